import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { remasterMenu } from "../../lib/make/vm/menu-medium.ts";
import { type Machine, startMachine } from "../../lib/make/vm/qemu.ts";
import { readSuperblock } from "../../lib/tools/disk/superblock.ts";
import { runProgram } from "../../lib/tools/host/host.ts";
import { LABEL } from "../../lib/tools/host/paths.ts";
import { describeLong } from "../support/left-out.ts";
import { PROJECT } from "../support/sources.ts";
import { bootKernel, makeLabelledDisk } from "../support/state-disk.ts";

const ARTIFACTS = join(PROJECT, "dist/artifacts");
const ISO = join(ARTIFACTS, "k3os-amd64.iso");
const MINUTE = 60_000;
const CONSOLE = "console=ttyS0,115200";

let scratch: string;

beforeAll(() => {
  scratch = mkdtempSync(join(tmpdir(), "k3os-boot-"));
});

afterAll(() => rmSync(scratch, { recursive: true }));

describe("the medium", () => {
  test(
    "boots by BIOS from a USB stick to a rescue shell",
    async () => {
      const stick = join(scratch, "stick.img");
      await remasterMenu(ISO, { startsBy: "rescue", words: [CONSOLE] }, stick);
      await using machine = await startMachine({ name: "rescue", memory: 2048, usb: stick });
      const { console } = machine;
      await console.expect(/k3OS Rescue Shell/, { timeout: 2 * MINUTE });
      console.send("\r");
      await console.expect(/# /, { timeout: 8 * MINUTE });
      await say(machine, "cat /run/k3os/mode", "shell");
      console.send("exit\r");
      await machine.exited; // leaving it restarts the machine
    },
    14 * MINUTE,
  );
});

describe("a boot that cannot go on ends in a rescue shell with the reason:", () => {
  test(
    "an unknown mode",
    async () => {
      await using machine = await bootKernel({ name: "unknown-mode", words: ["k3os.mode=nonsense"] });
      await failsWith(machine, 'Unknown mode "nonsense"');
    },
    6 * MINUTE,
  );

  test(
    "no installed system",
    async () => {
      await using machine = await bootKernel({ name: "no-state" });
      await failsWith(machine, `No file system labelled "${LABEL.state}" was found`);
    },
    8 * MINUTE,
  );

  // behind a controller that nothing announces, whose driver must be named
  test(
    "a state file system that cannot be read",
    async () => {
      const disk = join(scratch, "unreadable.img");
      await runProgram(["mkfs.ext4", "-q", "-F", "-b", "4096", "-L", LABEL.state, disk, "64M"]);
      const image = readFileSync(disk);
      writeFileSync(disk, image.fill(0xff, 4096)); // only the superblock is left
      const controller = "isa-ide,id=legacy,iobase=0x1e8,iobase2=0x3ee,irq=11";
      await using machine = await bootKernel({
        name: "unreadable-state",
        words: ['k3os.modules="pata_legacy probe_all=1"'],
        extra: [
          ...["-drive", `if=none,id=state,format=raw,file=${disk}`],
          ...["-device", controller, "-device", "ide-hd,bus=legacy.0,drive=state"],
        ],
      });
      await failsWith(machine, "The installed system on /dev/sda cannot be read");
    },
    6 * MINUTE,
  );

  test(
    "a root image that is missing",
    async () => {
      const disk = join(scratch, "incomplete.img");
      const system = join(scratch, "incomplete/k3os/system/k3os");
      mkdirSync(join(system, "v1"), { recursive: true });
      cpSync(join(ARTIFACTS, "k3os-amd64"), join(system, "v1/k3os"));
      symlinkSync("v1", join(system, "current"));
      const argv = [
        "mkfs.ext4",
        "-q",
        "-F",
        "-L",
        LABEL.state,
        "-d",
        join(scratch, "incomplete"),
        disk,
        "256M",
      ];
      await runProgram(argv);
      await using machine = await bootKernel({ name: "missing-image", disks: [disk] });
      await failsWith(machine, "k3os.squashfs");
    },
    6 * MINUTE,
  );
});

describeLong("which disk is booted:", () => {
  test(
    "none of several that are labelled so, where the boot menu names none",
    async () => {
      const disks = await Promise.all(
        ["one.img", "two.img"].map((name) => makeLabelledDisk(join(scratch, name))),
      );
      await using machine = await bootKernel({ name: "two-states", disks });
      await failsWith(
        machine,
        /2 file systems are labelled K3OS_STATE, .*: \/dev\/vda \(.*\), \/dev\/vdb \(/,
      );
    },
    6 * MINUTE,
  );

  test(
    "none of a disk and its copy, though the boot menu names it; and a rescue shell all the same",
    async () => {
      const disk = await makeLabelledDisk(join(scratch, "original.img"));
      const copy = join(scratch, "copy.img");
      cpSync(disk, copy);
      const word = `k3os.state=${readSuperblock(disk)?.uuid}`;
      for (const words of [[word], [word, "rescue"]]) {
        await using machine = await bootKernel({ name: "copied-state", disks: [disk, copy], words });
        await failsWith(machine, /a disk and its copy: \/dev\/vda \(.*\), \/dev\/vdb \(/);
      }
    },
    10 * MINUTE,
  );

  test(
    "the only one that is labelled so, with a warning, when none has the UUID that the boot menu names",
    async () => {
      const disk = await makeLabelledDisk(join(scratch, "restored.img"));
      const uuid = "1b2c0000-0000-4000-8000-000000000001";
      await using machine = await bootKernel({
        name: "other-uuid",
        disks: [disk],
        words: [`k3os.state=${uuid}`],
      });
      await machine.console.expect(/Waiting for the disk with the UUID 1b2c/, { timeout: 4 * MINUTE });
      await machine.console.expect(/Warning: No file system has the UUID 1b2c.*: using \/dev\/vda/, {
        timeout: 2 * MINUTE,
      });
      await failsWith(machine, "The installed system is incomplete");
    },
    8 * MINUTE,
  );

  test(
    "one whose driver is kept from being loaded by itself, once it is named",
    async () => {
      const disk = await makeLabelledDisk(join(scratch, "blacklisted.img"));
      const words = [
        "modprobe.blacklist=virtio_blk",
        "k3os.modules=virtio_blk",
        'k3os.modules="bonding mode=1"',
      ];
      {
        await using machine = await bootKernel({
          name: "blacklisted",
          disks: [disk],
          words: words.slice(0, 1),
        });
        await failsWith(machine, "No file system labelled");
      }
      await using machine = await bootKernel({ name: "named-module", disks: [disk], words });
      await machine.console.expect(/Loaded the module "virtio_blk"/, { timeout: 4 * MINUTE });
      await machine.console.expect(/The module "bonding" is not in the initrd/, { timeout: MINUTE });
      await failsWith(machine, "The installed system is incomplete");
    },
    12 * MINUTE,
  );
});

async function failsWith(machine: Machine, reason: string | RegExp): Promise<void> {
  const { console } = machine;
  await console.expect(/\*\*\* k3OS could not boot \*\*\*/, { timeout: 4 * MINUTE });
  const [message] = await console.expect(/Error: [\s\S]*?For more/, { timeout: 2 * MINUTE });
  expect(message).toMatch(reason);
  await console.expect(/# /, { timeout: 2 * MINUTE });
  await say(machine, "echo $((6 * 7))", "42");
}

/** Types a command, and waits for its output; the brackets tell it from the command and from the kernel's messages. */
async function say({ console }: Machine, command: string, output: string): Promise<void> {
  console.send(`echo "<$(${command})>"\r`);
  await console.expect(new RegExp(`<${output}>`), { timeout: 2 * MINUTE });
}
