import { CommandError } from "../text/errors.ts";

/** The architectures, named as in the k3OS artifacts. */
export type Arch = "amd64" | "arm64" | "arm";

/** All properties that differ between architectures: one row, used by build, boot, install and tests. */
export interface Target {
  readonly arch: Arch;
  /** `process.arch` of the running program. */
  readonly node: string;
  /** `uname -m`, possible values. */
  readonly machines: readonly string[];
  /** Debian's architecture name. */
  readonly debian: "amd64" | "arm64" | "armhf";
  /** The form of the executable: a fused Bun, or Node.js in a static launcher (Bun has no 32-bit ARM target). */
  readonly runtime:
    | { readonly kind: "bun"; readonly target: string; readonly package: string; readonly musl: string }
    | { readonly kind: "node" };
  /** Variant of the architecture in a container image's platform (OCI image specification, image configuration). */
  readonly variant: string | undefined;
  /** GNU triplet of the C compiler for the executable's loader or launcher. */
  readonly triplet: string;
  /** ELF `e_machine` (ELF gABI). */
  readonly elfMachine: number;
  /** Boards of this architecture run it with their own kernels, by unpacking the tarball. */
  readonly boards: boolean;
  /** Debian kernel package; undefined if boards provide their own kernel. */
  readonly kernel: string | undefined;
  /** GRUB platforms (directory names below /usr/lib/grub) that can boot the ISO. */
  readonly grub: readonly string[];
  /**
   * File name of the removable-media boot loader in `/EFI/BOOT`, section 3.5.1.1 of
   * https://uefi.org/specs/UEFI/2.10/03_Boot_Manager.html
   */
  readonly efiBoot: string | undefined;
  /** Suffix of qemu-user and qemu-system programs. */
  readonly qemu: string;
}

export const TARGETS: readonly Target[] = [
  {
    arch: "amd64",
    node: "x64",
    machines: ["x86_64"],
    debian: "amd64",
    runtime: {
      kind: "bun",
      target: "bun-linux-x64-musl",
      package: "@oven/bun-linux-x64-musl",
      musl: "x86_64",
    },
    variant: undefined,
    triplet: "x86_64-linux-gnu",
    elfMachine: 62,
    boards: false,
    kernel: "linux-image-amd64",
    grub: ["i386-pc", "x86_64-efi"],
    efiBoot: "BOOTX64.EFI",
    qemu: "x86_64",
  },
  {
    arch: "arm64",
    node: "arm64",
    machines: ["aarch64", "arm64"],
    debian: "arm64",
    runtime: {
      kind: "bun",
      target: "bun-linux-arm64-musl",
      package: "@oven/bun-linux-aarch64-musl",
      musl: "aarch64",
    },
    variant: undefined,
    triplet: "aarch64-linux-gnu",
    elfMachine: 183,
    boards: true,
    kernel: "linux-image-arm64",
    grub: ["arm64-efi"],
    efiBoot: "BOOTAA64.EFI",
    qemu: "aarch64",
  },
  {
    arch: "arm",
    node: "arm",
    machines: ["armv7l", "armv8l"],
    debian: "armhf",
    runtime: { kind: "node" },
    variant: "v7",
    triplet: "arm-linux-gnueabihf",
    elfMachine: 40,
    boards: true,
    kernel: undefined,
    grub: [],
    efiBoot: undefined,
    qemu: "arm",
  },
];

/** The row of an architecture, by its k3OS, Debian or `uname -m` name. Throws CommandError for any other name. */
export function targetOf(name: string): Target {
  const row = TARGETS.find((t) => t.arch === name || t.debian === name || t.machines.includes(name));
  if (row !== undefined) return row;
  const known = TARGETS.map((t) => t.arch).join(", ");
  throw new CommandError(`Unsupported architecture "${name}": expected one of ${known}`);
}

/** The row of this machine. */
export function hostTarget(): Target {
  return TARGETS.find((t) => t.node === process.arch) ?? targetOf(process.arch);
}
