import { copyFileSync, existsSync, mkdirSync } from "node:fs";
import { dirname } from "node:path";
import { type Arch, targetOf } from "../../tools/host/targets.ts";

/** A UEFI firmware: the program, and the template of its variables. */
interface Firmware {
  readonly code: string;
  readonly variables: string;
}

/** The machine that QEMU emulates for an architecture. */
interface Board {
  /** Debian packages. */
  readonly packages: readonly string[];
  readonly machine: Readonly<Record<"bios" | "uefi", readonly string[]>>;
  /** A disk with this image; the number is its position in the order, from 0. */
  readonly disk: (file: string, index: number) => readonly string[];
  /** An optical drive with this image. */
  readonly cdrom: (file: string) => readonly string[];
  readonly firmware?: Firmware;
  /** The serial port, as the value of a kernel parameter. */
  readonly console: string;
}

const SCSI_CDROM = (file: string) => [
  ...["-device", "virtio-scsi-pci", "-device", "scsi-cd,drive=cdrom,bootindex=9"],
  ...["-drive", `if=none,id=cdrom,media=cdrom,readonly=on,file=${file}`],
];

/** Marks the disk to boot: this firmware prefers its network cards to a new disk. */
const FIRST_DISK = (file: string, index: number) => [
  ...["-drive", `if=none,id=disk${index},format=raw,cache=unsafe,file=${file}`],
  ...["-device", `virtio-blk-pci,drive=disk${index},bootindex=${index}`],
];

// QEMU 7.2 emulates CMPXCHG16B on unaligned operands incorrectly, and kernels from 6.6 on then crash
const PC = ["-cpu", "max,-cx16", "-vga", "std"];

/** The memory map of the 32-bit board ends at 4 GiB, because its kernels may not support more. */
const BOARDS: Readonly<Record<Arch, Board>> = {
  amd64: {
    packages: ["qemu-system-x86", "ovmf"],
    machine: { bios: ["-machine", "pc", ...PC], uefi: ["-machine", "q35", ...PC] },
    disk: (file) => ["-drive", `if=virtio,format=raw,cache=unsafe,file=${file}`],
    cdrom: (file) => ["-drive", `media=cdrom,readonly=on,file=${file}`],
    // newer releases only have the 4 MiB build
    firmware: { code: "/usr/share/OVMF/OVMF_CODE_4M.fd", variables: "/usr/share/OVMF/OVMF_VARS_4M.fd" },
    console: "ttyS0,115200",
  },
  arm64: {
    packages: ["qemu-system-arm", "qemu-efi-aarch64"],
    // the processor of a Raspberry Pi 4
    machine: {
      bios: ["-machine", "virt", "-cpu", "cortex-a72"],
      uefi: ["-machine", "virt", "-cpu", "cortex-a72"],
    },
    disk: FIRST_DISK,
    cdrom: SCSI_CDROM,
    firmware: { code: "/usr/share/AAVMF/AAVMF_CODE.fd", variables: "/usr/share/AAVMF/AAVMF_VARS.fd" },
    console: "ttyAMA0,115200",
  },
  arm: {
    packages: ["qemu-system-arm"],
    machine: {
      bios: ["-machine", "virt,highmem=off", "-cpu", "cortex-a15"],
      uefi: ["-machine", "virt,highmem=off", "-cpu", "cortex-a15"],
    },
    disk: FIRST_DISK,
    cdrom: SCSI_CDROM,
    console: "ttyAMA0,115200",
  },
};

/** The board of an architecture, and the program that emulates it. */
export function boardOf(arch: Arch): Board & { readonly program: string } {
  return { ...BOARDS[arch], program: `qemu-system-${targetOf(arch).qemu}` };
}

/** Debian packages that emulate all boards. */
export const BOARD_PACKAGES = [...new Set(Object.values(BOARDS).flatMap(({ packages }) => packages))];

/** The options for UEFI, with its variables in a file that is created if it does not exist. */
export function firmwareArgv(arch: Arch, variables: string): string[] {
  const { firmware } = BOARDS[arch];
  if (firmware === undefined) throw new Error(`There is no UEFI for ${arch}`);
  return [
    ...["-drive", `if=pflash,unit=0,format=raw,readonly=on,file=${firmware.code}`],
    ...["-drive", `if=pflash,unit=1,format=raw,file=${variables}`],
  ];
}

/** Creates the file of UEFI's variables if it does not exist. */
export function makeVariables(arch: Arch, file: string): void {
  const { firmware } = BOARDS[arch];
  mkdirSync(dirname(file), { recursive: true });
  if (firmware !== undefined && !existsSync(file)) copyFileSync(firmware.variables, file);
}
