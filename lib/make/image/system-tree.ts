import { chmodSync, constants, copyFileSync, mkdirSync, symlinkSync } from "node:fs";
import { dirname, join } from "node:path";
import { COMPONENTS, type Component, FILE } from "../../tools/host/paths.ts";
import { FOREIGN_ROOT_LINKS } from "../../tools/node/foreign-root.ts";
import type { Made } from "../build/build-step.ts";

/** A component in `/k3os/system/COMPONENT/VERSION`: file name → the source file. */
export interface ComponentFiles {
  readonly version: string;
  readonly files: Readonly<Record<string, Made>>;
}

/** The parts of a system; k3s may be missing (the first boot downloads it), and so may the kernel (32-bit ARM). */
export type SystemParts = Readonly<Partial<Record<Component, ComponentFiles>>>;

/** The files of each component; installer, boot and upgrade share this layout. */
export function systemParts(built: {
  readonly version: string;
  readonly executable: Made;
  readonly rootSquashfs: Made;
  readonly kernel?: { readonly version: string; readonly squashfs: Made; readonly initrd: Made } | undefined;
  readonly k3s?: { readonly version: string; readonly executable: Made } | undefined;
}): SystemParts {
  const { version, executable, rootSquashfs, kernel, k3s } = built;
  return {
    k3os: { version, files: { [FILE.executable]: executable, [FILE.rootSquashfs]: rootSquashfs } },
    ...(k3s && { k3s: { version: k3s.version, files: { k3s: k3s.executable } } }),
    ...(kernel && {
      kernel: {
        version: kernel.version,
        files: { [FILE.kernelSquashfs]: kernel.squashfs, [FILE.initrd]: kernel.initrd },
      },
    }),
  };
}

const PROGRAMS = new Set<string>([FILE.executable, "k3s"]);

/** A file or a link of the system tree; paths are relative and without a leading "./". */
export type TreeEntry =
  | { readonly kind: "file"; readonly path: string; readonly source: string; readonly mode: number }
  | { readonly kind: "link"; readonly path: string; readonly target: string };

/**
 * The tree of an installed system: `k3os/system/…` with its `current` links. Directories are derived from the paths.
 */
export function systemTree(parts: SystemParts): readonly TreeEntry[] {
  return COMPONENTS.flatMap((component): TreeEntry[] => {
    const part = parts[component];
    if (part === undefined) return [];
    const directory = `k3os/system/${component}`;
    const files = Object.entries(part.files).map(([name, { path: source }]): TreeEntry => {
      const path = `${directory}/${part.version}/${name}`;
      return { kind: "file", path, source, mode: PROGRAMS.has(name) ? 0o755 : 0o644 };
    });
    return [...files, { kind: "link", path: `${directory}/current`, target: part.version }];
  });
}

/** {@link systemTree} and the links of `sbin`, for a foreign root file system. */
export function foreignRootTree(parts: SystemParts): readonly TreeEntry[] {
  const links = Object.entries(FOREIGN_ROOT_LINKS).map(([path, target]): TreeEntry => {
    return { kind: "link", path, target };
  });
  return [...systemTree(parts), ...links];
}

/** Writes {@link foreignRootTree} below `root`. */
export function writeSystemTree(root: string, parts: SystemParts): void {
  for (const entry of foreignRootTree(parts)) {
    const path = join(root, entry.path);
    mkdirSync(dirname(path), { recursive: true });
    if (entry.kind === "link") {
      symlinkSync(entry.target, path);
      continue;
    }
    copyFileSync(entry.source, path, constants.COPYFILE_FICLONE);
    chmodSync(path, entry.mode);
  }
}
