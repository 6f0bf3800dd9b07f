import { lstatSync, readdirSync, readlinkSync, readSync, statSync } from "node:fs";
import { join, normalize } from "node:path";
import { MAX_BYTES } from "../config/schema/limits.ts";
import { openRegular, readIfThere } from "../tools/fs/read-bounded.ts";
import { linkedVersion } from "../tools/generation/generation-links.ts";
import { type Component, FILE } from "../tools/host/paths.ts";
import type { Target } from "../tools/host/targets.ts";
import { deliveredImages, IMAGES } from "../tools/images/image-set.ts";
import { CommandError, messageOf } from "../tools/text/errors.ts";

/** An entry below the medium's `k3os` directory; paths are relative to the medium. */
export type MediumEntry =
  | { readonly kind: "directory"; readonly path: string; readonly mode: number }
  | { readonly kind: "file"; readonly path: string; readonly size: number; readonly mode: number }
  | { readonly kind: "link"; readonly path: string; readonly target: string };

/** A validated installation medium. */
export interface Medium {
  /** Its mount point. */
  readonly root: string;
  /** Versions of the `current` links; k3s may be missing, then the first boot downloads it. */
  readonly versions: { readonly k3os: string; readonly kernel: string; readonly k3s: string | undefined };
  /** Directories before their content. */
  readonly entries: readonly MediumEntry[];
  /** Bytes of all files. */
  readonly size: number;
  /** Archives of container images, which are among the entries; `size` in bytes. */
  readonly images: { readonly names: readonly string[]; readonly size: number };
  /** Its own `config.yaml`, unless that only has comments. */
  readonly config: Buffer | undefined;
}

const TREE = "k3os";
const SYSTEM = "k3os/system";
/** The configuration on a medium, which an installation copies. */
export const CONFIG = "k3os/system/config.yaml";
const REQUIRED = [
  `k3os/system/k3os/current/${FILE.executable}`,
  `k3os/system/k3os/current/${FILE.rootSquashfs}`,
  `k3os/system/kernel/current/${FILE.kernelSquashfs}`,
  `k3os/system/kernel/current/${FILE.initrd}`,
];

/** Whether a directory looks like the root of a medium; a shallow check. */
export function looksLikeMedium(root: string): boolean {
  return REQUIRED.every((path) => statSync(join(root, path), { throwIfNoEntry: false })?.isFile() ?? false);
}

/**
 * Validates a medium. Throws CommandError if files are missing or empty, if its program is for another architecture,
 * and for unexpected entries: devices, links that lead out of the tree.
 */
export function inspectMedium(root: string, target: Pick<Target, "arch" | "elfMachine">): Medium {
  for (const path of REQUIRED) requireFile(root, path);
  checkArchitecture(join(root, REQUIRED[0] ?? ""), target);
  const entries = walk(root, TREE).filter(({ path }) => path !== CONFIG);
  const k3s = join(root, "k3os/system/k3s/current");
  const config = readConfig(join(root, CONFIG));
  return {
    root,
    versions: {
      k3os: currentVersion(root, "k3os"),
      kernel: currentVersion(root, "kernel"),
      k3s: lstatSync(k3s, { throwIfNoEntry: false }) === undefined ? undefined : currentVersion(root, "k3s"),
    },
    entries,
    size: entries.reduce((sum, entry) => sum + (entry.kind === "file" ? entry.size : 0), 0),
    images: mediumImages(root, entries),
    config,
  };
}

function mediumImages(root: string, entries: readonly MediumEntry[]): Medium["images"] {
  const names = [...deliveredImages(join(root, SYSTEM)).keys()];
  const paths = new Set(names.map((name) => join(SYSTEM, IMAGES, name)));
  const sizes = entries.map((entry) => (entry.kind === "file" && paths.has(entry.path) ? entry.size : 0));
  return { names, size: sizes.reduce((sum, size) => sum + size, 0) };
}

function requireFile(root: string, path: string): void {
  const found = statSync(join(root, path), { throwIfNoEntry: false });
  if (found?.isFile() && found.size > 0) return;
  throw new CommandError(
    `"${root}" is not a k3OS medium: "${path}" is ${found === undefined ? "missing" : "empty"}`,
  );
}

function checkArchitecture(path: string, target: Pick<Target, "arch" | "elfMachine">): void {
  const header = readStart(path, 20);
  if (header.length < 20 || header.toString("latin1", 0, 4) !== "\x7fELF") {
    throw new CommandError(`The medium's program "${path}" is not an ELF executable`);
  }
  const machine = header.readUInt16LE(18);
  if (machine === target.elfMachine) return;
  throw new CommandError(
    `The medium is for another architecture: found ELF machine ${machine}, expected ${target.elfMachine} (${target.arch})`,
  );
}

function readStart(path: string, length: number): Buffer {
  using file = openRegular(path);
  const bytes = Buffer.alloc(length);
  return bytes.subarray(0, readSync(file.fd, bytes, 0, length, 0));
}

function currentVersion(root: string, component: Component): string {
  const version = linkedVersion(join(root, SYSTEM), component, "current");
  if (version !== undefined) return version;
  const link = join(root, SYSTEM, component, "current");
  throw new CommandError(`The medium's link "${link}" leads to no version of ${component}`);
}

function readConfig(path: string): Buffer | undefined {
  try {
    const content = readIfThere(path, { maxBytes: MAX_BYTES, follow: false });
    return /^\s*[^\s#]/m.test(content?.toString("latin1") ?? "") ? content : undefined;
  } catch (error) {
    throw new CommandError(`Cannot read "${path}": ${messageOf(error, path)}`);
  }
}

function walk(root: string, path: string): MediumEntry[] {
  const full = join(root, path);
  const found = lstatSync(full);
  if (found.isSymbolicLink()) return [{ kind: "link", path, target: checkLink(path, readlinkSync(full)) }];
  if (found.isFile()) return [{ kind: "file", path, size: found.size, mode: found.mode & 0o777 }];
  if (!found.isDirectory()) throw new CommandError(`"${full}" is neither file, directory nor link`);
  const below = readdirSync(full).sort();
  return [
    { kind: "directory", path, mode: found.mode & 0o7777 },
    ...below.flatMap((name) => walk(root, `${path}/${name}`)),
  ];
}

/**
 * Validates a link: links of the system itself stay inside it; those of `k3os/data`, the future root, may lead
 * anywhere. Returns the target; throws CommandError.
 */
export function checkLink(path: string, target: string): string {
  const inside = !target.startsWith("/") && normalize(join(path, "..", target)).startsWith(`${SYSTEM}/`);
  if (inside || !path.startsWith(`${SYSTEM}/`)) return target;
  throw new CommandError(`The medium's link "${path}" leads out of its tree: "${target}"`);
}
