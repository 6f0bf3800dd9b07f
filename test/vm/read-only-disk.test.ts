import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startMachine } from "../../lib/make/vm/qemu.ts";
import { setVariable, TRIAL_VARIABLE } from "../../lib/tools/disk/grubenv.ts";
import { FIRST_PARTITION } from "../../lib/tools/disk/partitions.ts";
import { output } from "../support/disk.ts";
import { makeInstalledDisk } from "../support/installed-disk.ts";
import { describeLong } from "../support/left-out.ts";

const MINUTE = 60_000;

describeLong("a disk that has become read-only with an upgrade on trial", () => {
  let scratch: string;
  let disk: string;

  beforeAll(async () => {
    scratch = mkdtempSync(join(tmpdir(), "k3os-read-only-"));
    disk = join(scratch, "disk.img");
    await makeInstalledDisk(disk);
    const root = join(scratch, "root");
    output(["mkdir", root]);
    output(["mount", "--options", `loop,offset=${FIRST_PARTITION}`, disk, root]);
    try {
      setVariable(join(root, "boot/grub/grubenv"), TRIAL_VARIABLE, "2");
      const menu = join(root, "boot/grub/grub.cfg");
      writeFileSync(menu, readFileSync(menu, "utf8").replace(/set timeout=\d+/g, "set timeout=1"));
    } finally {
      output(["umount", root]);
    }
  }, 5 * MINUTE);

  afterAll(() => rmSync(scratch, { recursive: true }));

  test.each([
    ["on", / k3os\.boot=/, /k3OS could not boot[\s\S]*rescue#/],
    ["off", / k3os\.boot=trial/, / login: /],
  ])(
    "(readonly=%s) is started, told by the menu what could be written down",
    async (readonly, word, end) => {
      await using machine = await startMachine({
        ...{ name: `read-only-${readonly}`, memory: 1024 },
        extra: [
          ...["-drive", `if=none,id=disk,format=raw,file=${disk},readonly=${readonly}`],
          ...["-device", "virtio-blk-pci,drive=disk"],
        ],
      });
      const [line] = await machine.console.expect(/Kernel command line: .*/, { timeout: 3 * MINUTE });
      if (readonly === "on") expect(line).not.toMatch(word);
      else expect(line).toMatch(word);
      await machine.console.expect(end, { timeout: 6 * MINUTE });
    },
    12 * MINUTE,
  );
});
