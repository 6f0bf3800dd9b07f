import { type Component, FILE } from "../host/paths.ts";
import type { Arch } from "../host/targets.ts";

/** A file of a component: its name in a release, and in `/k3os/system/COMPONENT/VERSION`. */
export interface ReleasePart {
  readonly name: string;
  readonly file: string;
  readonly mode: number;
}

/** The files of a component in a release, each of which a node only fetches if it lacks it. */
export function releaseParts(component: Component, arch: Arch): readonly ReleasePart[] {
  return PARTS[component](arch);
}

const PARTS: Readonly<Record<Component, (arch: Arch) => readonly ReleasePart[]>> = {
  k3os: (arch) => [
    { name: `k3os-${arch}`, file: FILE.executable, mode: 0o755 },
    { name: `k3os-userland-${arch}.squashfs`, file: FILE.rootSquashfs, mode: 0o644 },
  ],
  k3s: (arch) => [{ name: `k3s-${arch}`, file: FILE.k3s, mode: 0o755 }],
  kernel: (arch) => [
    { name: `k3os-initrd-${arch}`, file: FILE.initrd, mode: 0o644 },
    { name: `k3os-kernel-${arch}.squashfs`, file: FILE.kernelSquashfs, mode: 0o644 },
  ],
};

/** The name of a file of a release, compressed by zstd. */
export function compressedName(name: string): string {
  return `${name}.zst`;
}

/**
 * The name of a file's difference from an older one (`zstd --patch-from`), whose SHA-256 in hexadecimal is `old`. The
 * digest, not the version, tells whether a node has the older file.
 */
export function patchName(name: string, old: string): string {
  return `${patchPrefix(name)}${old.slice(0, 16)}.zst`;
}

/** What the names of all differences of a file start with. */
export function patchPrefix(name: string): string {
  return `${name}.from-`;
}
