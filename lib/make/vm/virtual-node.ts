import { closeSync, existsSync, ftruncateSync, mkdirSync, openSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { Arch } from "../../tools/host/targets.ts";
import { within as settlesWithin } from "../../tools/host/within.ts";
import { remasterMenu } from "./menu-medium.ts";
import { HOST_ADDRESS, type Machine, type MachineOptions, startMachine, VM_DIRECTORY } from "./qemu.ts";
import { boardOf } from "./qemu-board.ts";
import { type SshKey, type SshTarget, ssh, waitForSsh } from "./ssh.ts";

const SECONDS = 1000;

/** The parts of a machine that stay the same across boots. */
export interface Hardware {
  /** The name of its files and transcripts. */
  readonly name: string;
  /** Default amd64. */
  readonly arch?: Arch;
  readonly firmware: "bios" | "uefi";
  /** Raw image; becomes /dev/vda. */
  readonly disk: string;
  /** UEFI's variables; created at the first boot. */
  readonly efiVariables: string;
}

/** A machine with an empty, sparse disk of `size` bytes. */
export function createHardware(
  name: string,
  { arch = "amd64", firmware }: Pick<Hardware, "arch" | "firmware">,
  size: number,
): Hardware {
  const files = filesOf(name);
  for (const file of Object.values(files)) rmSync(file, { force: true });
  mkdirSync(VM_DIRECTORY, { recursive: true });
  const fd = openSync(files.disk, "w");
  ftruncateSync(fd, size);
  closeSync(fd);
  return { name, arch, firmware, ...files };
}

/** The machine of an earlier run: it uses UEFI if there is a file of variables. */
export function keptHardware(name: string): Hardware {
  const files = filesOf(name);
  return { name, firmware: existsSync(files.efiVariables) ? "uefi" : "bios", ...files };
}

function filesOf(name: string): Pick<Hardware, "disk" | "efiVariables"> {
  const base = join(VM_DIRECTORY, name);
  return { disk: `${base}.img`, efiVariables: `${base}.variables.fd` };
}

export interface Installation {
  readonly iso: string;
  /** Port on the host's loopback that serves `/config.yaml`. */
  readonly configPort: number;
  /** Called at each step. */
  readonly onStep?: (step: string) => void;
}

/**
 * The kernel parameters of an installation without prompts that ends with a power-off. Without a port that serves
 * `/config.yaml`, the medium has the configuration.
 */
export function installWords(arch: Arch = "amd64", configPort?: number): string[] {
  const { console } = boardOf(arch);
  const url = `k3os.install.config_url=http://${HOST_ADDRESS}:${configPort}/config.yaml`;
  return [
    "k3os.install.silent=true",
    "k3os.install.device=/dev/vda",
    ...(configPort === undefined ? [] : [url]),
    "k3os.install.power_off=true",
    `k3os.install.tty=${console}`,
    `console=${console}`,
  ];
}

/** Boots the ISO with its own boot loader and kernel parameters; otherwise like {@link installFromMedium}. */
export async function installFromIso(
  hardware: Hardware,
  { iso, configPort, onStep = () => undefined }: Installation,
): Promise<void> {
  const medium = join(VM_DIRECTORY, `${hardware.name}.iso`);
  await remasterMenu(iso, { startsBy: "install", words: installWords(hardware.arch, configPort) }, medium);
  await installFromMedium(hardware, medium, onStep);
  rmSync(medium);
}

/**
 * Boots a medium that installs by itself, with its own boot loader and without a key press, and waits until the machine
 * has powered off. Throws, with the end of the console, at a timeout.
 */
export async function installFromMedium(
  hardware: Hardware,
  medium: string,
  onStep: (step: string) => void = () => undefined,
): Promise<void> {
  await using machine = await startMachine({
    ...machineOf(hardware, "install"),
    memory: 2048,
    cdrom: medium,
  });
  const { console } = machine;
  await console.expect(/k3OS Installer/, { timeout: 120 * SECONDS });
  onStep("GRUB shows the medium's menu");
  await console.expect(/Linux version/, { timeout: 120 * SECONDS });
  onStep("the kernel starts");
  await expectOrError(machine, /Partitioning \/dev\/vda/, 360 * SECONDS);
  onStep("the installer has checked everything, and writes to the disk");
  await expectOrError(machine, /is installed on \/dev\/vda/, 480 * SECONDS);
  onStep("the installation is complete");
  await within(machine.exited, 180 * SECONDS, "The machine did not switch itself off");
  onStep("the machine is off");
}

/** "Error:" on the console ends the installation: do not wait any longer. */
async function expectOrError({ console }: Machine, pattern: RegExp, timeout: number): Promise<void> {
  const found = await console.expect(new RegExp(`${pattern.source}|Error: [^\\r\\n]*`), { timeout });
  if (found[0].startsWith("Error:")) throw new Error(`The installation failed: ${found[0]}`);
}

export interface DiskBoot {
  /** The name of the boot, for its transcript. */
  readonly boot: string;
  /** MiB; default 1024. */
  readonly memory?: number;
  /** The boot menu entry; 0 is the default. */
  readonly entry?: number;
  /** Further disks. */
  readonly others?: readonly string[];
  /** Further arguments of QEMU. */
  readonly extra?: readonly string[];
}

/** Boots the machine from its disk, and selects a boot menu entry. */
export async function bootDisk(
  hardware: Hardware,
  { boot, memory = 1024, entry = 0, others = [], extra = [] }: DiskBoot,
): Promise<Machine> {
  const disks = [hardware.disk, ...others];
  const machine = await startMachine({ ...machineOf(hardware, boot), disks, memory, extra, ssh: true });
  try {
    await machine.console.expect(/k3OS Current/, { timeout: 120 * SECONDS });
    machine.console.send(`${CURSOR_DOWN.repeat(entry)}\r`);
    await machine.console.expect(/Linux version/, { timeout: 120 * SECONDS });
    return machine;
  } catch (error) {
    await machine.kill();
    throw error;
  }
}

/** GRUB's menu accepts Control-N as the cursor key, which needs no escape sequence (GRUB manual, "Interface"). */
const CURSOR_DOWN = "\u000e";

/** Waits until a login to the machine by SSH is possible. */
export async function reachNode(machine: Machine, key: SshKey): Promise<SshTarget> {
  const target = { port: machine.sshPort, key };
  await waitForSsh(target, { timeout: 360 * SECONDS, gone: machine.exited });
  return target;
}

/** Waits until the node has applied its configuration, including commands that need the network. */
export async function waitUntilApplied(node: SshTarget): Promise<void> {
  const applied = "systemctl show -P SubState ccapply | grep -q -e exited -e failed";
  const wait = `timeout 230 sh -c 'until ${applied}; do sleep 0.5; done'`;
  const { code } = await ssh(node, wait, { timeout: 240 * SECONDS });
  if (code !== 0) throw new Error("The node did not apply its configuration within 230 s");
}

/** Failed units, one per line, except the wait for the network: an emulated processor may need more than its 28 s. */
export const FAILED_UNITS =
  "systemctl list-units --failed --plain --no-legend | grep -v ^connman-wait-online || true";

/** Reboots a machine by a command on it, which ends this QEMU process. */
export async function restart(machine: Machine, target: SshTarget, command: string): Promise<void> {
  await ssh(target, command);
  await within(machine.exited, 4 * 60 * SECONDS, "The machine did not restart");
}

/** Waits until the machine has ended by itself. Throws `message` after `timeout` milliseconds. */
export async function within(exited: Promise<void>, timeout: number, message: string): Promise<void> {
  await settlesWithin(timeout, exited, () => {
    throw new Error(`${message} within ${timeout / SECONDS} s`);
  });
}

function machineOf(hardware: Hardware, boot: string): Omit<MachineOptions, "memory"> {
  const { name, arch = "amd64", firmware, disk, efiVariables } = hardware;
  return { name: `${name}-${boot}`, arch, firmware, efiVariables, disks: [disk] };
}
