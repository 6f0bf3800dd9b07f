import { describe, expect, test } from "bun:test";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseDevices, readPlatform } from "../../../lib/datasource/read-platform.ts";
import { testHost } from "../../support/host.ts";

const BLKID = `DEVNAME=/dev/sr0
BLOCK_SIZE=2048
UUID=2026-01-01-00-00-00-00
LABEL=cidata
TYPE=iso9660

DEVNAME=/dev/vda1
LABEL=K3OS\\ STATE
UUID=1
TYPE=ext4
PARTUUID=2

DEVNAME=/dev/loop0
TYPE=squashfs

DEVNAME=/dev/vdb
LABEL_FATBOOT=CIDATA
TYPE=vfat
`;

describe("readPlatform()", () => {
  test("reads what the kernel shows, without what is not set", async () => {
    using host = testHost({
      files: {
        "/sys/class/dmi/id/sys_vendor": "Hetzner\n",
        "/sys/class/dmi/id/product_serial": " 42 \n",
        "/sys/class/dmi/id/product_name": "\n",
        "/sys/class/dmi/id/modalias": "dmi:x",
        "/sys/hypervisor/uuid": "ec2e1916\n",
        "/proc/cmdline": 'quiet ds="nocloud;s=http://x/" vultr\n',
        "/sys/firmware/qemu_fw_cfg/by_name/opt/k3os/config/raw": "x",
      },
      answer: ([program]) => (program === "blkid" ? { stdout: BLKID } : { code: 1 }),
    });
    writeFileSync(join(host.root, "sys/class/dmi/id/chassis_asset_tag"), Buffer.alloc(8, 0xff));
    const names = join(host.root, "sys/firmware/qemu_fw_cfg/by_name");
    mkdirSync(join(names, "opt/org"), { recursive: true });
    symlinkSync("../../../by_key/40", join(names, "opt/org/name"));
    const platform = await readPlatform(host);
    expect(platform).toEqual({
      dmi: { sys_vendor: "Hetzner", product_serial: "42" },
      hypervisorUuid: "ec2e1916",
      words: ["quiet", "ds=nocloud;s=http://x/", "vultr"],
      devices: parseDevices(BLKID),
      firmwareConfig: ["opt/k3os/config", "opt/org/name"],
    });
  });

  test("does without programs, files and devices that are not there", async () => {
    using host = testHost({
      answer: () => {
        throw new Error("Cannot run it");
      },
    });
    expect(await readPlatform(host)).toEqual({
      dmi: {},
      hypervisorUuid: "",
      words: [],
      devices: [],
      firmwareConfig: [],
    });
    expect(host.logged).toContain("Warning: Cannot look for file systems: Cannot run it");
  });
});

test("parseDevices() gives file systems with their labels, no loop devices", () => {
  expect(parseDevices(BLKID)).toEqual([
    { path: "/dev/sr0", label: "cidata", type: "iso9660" },
    { path: "/dev/vda1", label: "K3OS STATE", type: "ext4" },
    { path: "/dev/vdb", label: "CIDATA", type: "vfat" },
  ]);
});
