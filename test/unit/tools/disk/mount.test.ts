import { expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { mounted, parseMountinfo } from "../../../../lib/tools/disk/mount.ts";
import { testHost } from "../../../support/host.ts";

test("parseMountinfo() gives mount point, source and access, optional fields or not, with escapes undone", () => {
  const text = [
    "22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw",
    "40 22 7:0 / /mnt/my\\040disk nosuid,ro - iso9660 /dev/loop0 rw",
    "",
  ].join("\n");
  expect(parseMountinfo(text)).toEqual([
    { target: "/", source: "/dev/vda", type: "ext4", readOnly: false },
    { target: "/mnt/my disk", source: "/dev/loop0", type: "iso9660", readOnly: true },
  ]);
});

test("mounted() unmounts at the end of its scope, also when that fails", async () => {
  using host = testHost();
  const target = join(mkdtempSync(join(tmpdir(), "k3os-mount-")), "target");
  const scope = async () => {
    await using mount = await mounted("/dev/x1", target, { type: "ext4", flags: ["ro", "noload"] }, host);
    throw new Error(`in ${mount.path}`);
  };
  await expect(scope()).rejects.toThrow(`in ${target}`);
  expect(host.programs.map(({ argv }) => argv)).toEqual([
    ["mount", "--types", "ext4", "--options", "ro,noload", "/dev/x1", target],
    ["umount", target],
  ]);
  rmSync(join(target, ".."), { recursive: true });
});
