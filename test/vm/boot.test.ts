import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runProgram } from "../../lib/host.ts";
import { LABEL } from "../../lib/paths.ts";
import { type Machine, startMachine } from "../support/qemu.ts";
import { remasterMenu } from "../support/remaster.ts";
import { PROJECT } from "../support/sources.ts";
import { bootKernel } from "../support/state-disk.ts";

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

  test(
    "a state file system that cannot be read",
    async () => {
      const disk = join(scratch, "unreadable.img");
      await runProgram(["mkfs.ext4", "-q", "-F", "-b", "4096", "-L", LABEL.state, disk, "64M"]);
      const image = readFileSync(disk);
      writeFileSync(disk, image.fill(0xff, 4096)); // only the superblock is left
      await using machine = await bootKernel({ name: "unreadable-state", disks: [disk] });
      await failsWith(machine, "/dev/vda");
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

async function failsWith(machine: Machine, reason: string): Promise<void> {
  const { console } = machine;
  await console.expect(/\*\*\* k3OS could not boot \*\*\*/, { timeout: 4 * MINUTE });
  const [message] = await console.expect(/Error: [\s\S]*?For more/, { timeout: 2 * MINUTE });
  expect(message).toContain(reason);
  await console.expect(/# /, { timeout: 2 * MINUTE });
  await say(machine, "echo $((6 * 7))", "42");
}

/** Types a command, and waits for its output; the brackets tell it from the command and from the kernel's messages. */
async function say({ console }: Machine, command: string, output: string): Promise<void> {
  console.send(`echo "<$(${command})>"\r`);
  await console.expect(new RegExp(`<${output}>`), { timeout: 2 * MINUTE });
}
