import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync, writeSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { quoteArgv } from "../../tools/host/host.ts";
import type { Arch } from "../../tools/host/targets.ts";
import { boardOf, firmwareArgv, makeVariables } from "./qemu-board.ts";
import { connectMonitor } from "./qmp.ts";
import { type SerialConsole, serialConsole } from "./serial.ts";

/** A virtual machine to start. It is emulated (TCG): no KVM, no root, no network but the user-mode one. */
export interface MachineOptions {
  /** The name of the console's transcript: `dist/vm/NAME.log`. */
  readonly name: string;
  /** Default amd64. */
  readonly arch?: Arch;
  /** MiB. */
  readonly memory: number;
  /** Default `bios`. */
  readonly firmware?: "bios" | "uefi";
  /** File that keeps UEFI's variables between boots; created from the firmware's template if absent. */
  readonly efiVariables?: string;
  /** Raw images, as virtio disks /dev/vda, /dev/vdb … */
  readonly disks?: readonly string[];
  /** An ISO image in the CD-ROM drive. */
  readonly cdrom?: string;
  /** An image as a USB stick. */
  readonly usb?: string;
  /** Boots this kernel directly instead of a disk's or CD's boot loader. */
  readonly kernel?: { readonly image: string; readonly initrd: string; readonly append: string };
  /** Forwards a free port of the host's loopback to port 22 of the guest. */
  readonly ssh?: boolean;
  /** `silent`: the cable is connected, but there is no response. Default `user`: QEMU's own network, with DHCP. */
  readonly network?: "user" | "silent";
  /** The host name from the DHCP server of the `user` network; by default it offers none. */
  readonly dhcpName?: string;
  /** Further arguments of QEMU: devices for single tests. */
  readonly extra?: readonly string[];
}

export interface Machine extends AsyncDisposable {
  readonly console: SerialConsole;
  /** Port on the host's loopback that is forwarded to the guest's port 22; 0 without `ssh`. */
  readonly sshPort: number;
  /** The process of the emulator. */
  readonly pid: number;
  /** Resolves when the machine has ended: powered off, rebooted (which also ends it) or killed. */
  readonly exited: Promise<void>;
  /** Presses the power button. */
  powerDown(): Promise<void>;
  /** Cuts the power, and waits until the machine has ended. */
  kill(): Promise<void>;
}

/** The address of the host's loopback in the guest's user-mode network (QEMU's documentation, "Network emulation"). */
export const HOST_ADDRESS = "10.0.2.2";

const PROJECT = join(import.meta.dirname, "../../..");

/** Scratch files of machines, and the transcripts of their consoles. */
export const VM_DIRECTORY = join(PROJECT, "dist/vm");

/**
 * Starts a machine; at the end of the scope its power is cut.
 * Throws if QEMU cannot start it, with QEMU's message.
 */
export async function startMachine(options: MachineOptions): Promise<Machine> {
  mkdirSync(VM_DIRECTORY, { recursive: true });
  const scratch = mkdtempSync(join(tmpdir(), "k3os-vm-"));
  const serial = await acceptOne();
  const qmp = await acceptOne();
  const sshPort = options.ssh ? await freePort() : 0;
  const wiring = {
    serial: serial.port,
    qmp: qmp.port,
    sshPort,
    efiVariables: efiVariables(options, scratch),
  };
  const argv = machineArgv(options, wiring);
  const child = spawn(argv[0] ?? "", argv.slice(1), { stdio: ["ignore", "ignore", "pipe"] });
  const exited = processEnd(child).then(() => rmSync(scratch, { recursive: true, force: true }));
  const failure = failedStart(child, argv);
  const [serialSocket, monitor] = await Promise.race([
    Promise.all([serial.accepted, qmp.accepted.then(connectMonitor)]),
    failure,
  ]);
  keepTranscript(serialSocket, join(VM_DIRECTORY, `${options.name}.log`));
  async function kill(): Promise<void> {
    child.kill("SIGKILL");
    await exited;
  }
  return {
    console: serialConsole(serialSocket),
    sshPort,
    pid: child.pid ?? 0,
    exited,
    powerDown: () => monitor.execute("system_powerdown"),
    kill,
    [Symbol.asyncDispose]: kill,
  };
}

interface Wiring {
  /** Ports on the host's loopback that QEMU connects to. */
  readonly serial: number;
  readonly qmp: number;
  readonly sshPort: number;
  readonly efiVariables: string;
}

/** Packets are sent to the discard port of the host's loopback. */
const SILENCE = "socket,id=net,udp=127.0.0.1:9,localaddr=127.0.0.1:0";

/** The QEMU command line of a machine. */
export function machineArgv(options: MachineOptions, wiring: Wiring): string[] {
  const { arch = "amd64", firmware = "bios" } = options;
  const board = boardOf(arch);
  const forward = wiring.sshPort === 0 ? "" : `,hostfwd=tcp:127.0.0.1:${wiring.sshPort}-:22`;
  const name = options.dhcpName === undefined ? "" : `,hostname=${options.dhcpName}`;
  return [
    // if the test runner is killed, its machines end, too
    ...["setpriv", "--pdeathsig", "KILL", board.program],
    ...board.machine[firmware],
    ...["-accel", "tcg,thread=multi"],
    // one processor: with two, one sometimes runs code that the other is patching (int3 in the kernel's text)
    ...["-smp", "1", "-m", String(options.memory)],
    ...["-nodefaults", "-no-user-config", "-display", "none", "-no-reboot"],
    ...["-serial", `tcp:127.0.0.1:${wiring.serial}`],
    ...["-qmp", `tcp:127.0.0.1:${wiring.qmp}`],
    ...["-netdev", options.network === "silent" ? SILENCE : `user,id=net${forward}${name}`],
    ...["-device", "virtio-net-pci,netdev=net,romfile="],
    ...["-device", "virtio-rng-pci"],
    ...(firmware === "uefi" ? firmwareArgv(arch, wiring.efiVariables) : []),
    ...(options.disks ?? []).flatMap(board.disk),
    ...(options.cdrom === undefined ? [] : board.cdrom(options.cdrom)),
    ...(options.usb === undefined ? [] : usbArgv(options.usb)),
    ...(options.kernel === undefined ? [] : kernelArgv(options.kernel)),
    ...(options.extra ?? []),
  ];
}

function usbArgv(file: string): string[] {
  return [
    ...["-drive", `if=none,id=stick,format=raw,cache=unsafe,file=${file}`],
    ...["-device", "qemu-xhci", "-device", "usb-storage,drive=stick,bootindex=0"],
  ];
}

function kernelArgv({ image, initrd, append }: NonNullable<MachineOptions["kernel"]>): string[] {
  return ["-kernel", image, "-initrd", initrd, "-append", append];
}

function efiVariables(options: MachineOptions, scratch: string): string {
  const file = options.efiVariables ?? join(scratch, "variables.fd");
  if (options.firmware === "uefi") makeVariables(options.arch ?? "amd64", file);
  return file;
}

interface Line {
  /** On the host's loopback. */
  readonly port: number;
  readonly accepted: Promise<Socket>;
}

/**
 * Listens for QEMU's only connection: no polling, and no lost output. It is TCP, since a Unix socket only accepts some
 * 200 single bytes, and QEMU's serial port drops bytes that are not accepted at once.
 */
async function acceptOne(): Promise<Line> {
  const server = createServer();
  const accepted = new Promise<Socket>((resolve) => {
    server.once("connection", (socket) => {
      server.close();
      resolve(socket);
    });
  });
  const port = await listen(server);
  server.unref();
  return { port, accepted };
}

async function freePort(): Promise<number> {
  const server = createServer();
  const port = await listen(server);
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function listen(server: Server): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen({ port: 0, host: "127.0.0.1" }, resolve);
  });
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("No TCP port to be had on loopback");
  return address.port;
}

/** QEMU's own transcript (`logfile=`) contains characters twice if the reader is slow. */
function keepTranscript(serial: Socket, path: string): void {
  const file = openSync(path, "w");
  serial.on("data", (chunk: Buffer) => writeSync(file, chunk));
  serial.once("close", () => closeSync(file));
}

function processEnd(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    child.once("close", () => resolve());
    child.once("error", () => resolve());
  });
}

/** Rejects when QEMU ends or cannot start; never resolves. */
function failedStart(child: ChildProcess, argv: readonly string[]): Promise<never> {
  let said = "";
  child.stderr?.on("data", (chunk: Buffer) => {
    said += chunk;
  });
  const failure = new Promise<never>((_, reject) => {
    child.once("error", (cause) => reject(new Error(`Cannot run ${quoteArgv(argv)}`, { cause })));
    child.once("close", () => reject(new Error(`${quoteArgv(argv)} ended at once: ${said.trim()}`)));
  });
  failure.catch(() => undefined); // after the start, the end of the machine is not an error here
  return failure;
}
