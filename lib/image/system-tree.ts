import { chmodSync, constants, copyFileSync, mkdirSync, symlinkSync } from "node:fs";
import { dirname, join } from "node:path";
import type { BuildContext, Input } from "../build/context.ts";
import { COMPONENTS, type Component, FILE } from "../paths.ts";
import { FOREIGN_ROOT_LINKS } from "./links.ts";
import { ownSources } from "./sources.ts";

/** One component as it lies in `/k3os/system/COMPONENT/VERSION`: file name → the file to copy from. */
export interface ComponentFiles {
  readonly version: string;
  readonly files: Readonly<Record<string, string>>;
}

/** The parts of a system; k3s may be missing (it is fetched at the first boot), the kernel too (32-bit ARM). */
export type SystemParts = Readonly<Partial<Record<Component, ComponentFiles>>>;

/** Which files make up each component; this is the layout that installer, boot and upgrade share. */
export function systemParts(built: {
  readonly version: string;
  readonly executable: string;
  readonly rootSquashfs: string;
  readonly kernel?:
    | { readonly version: string; readonly squashfs: string; readonly initrd: string }
    | undefined;
  readonly k3s?: { readonly version: string; readonly executable: string } | undefined;
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

/** Writes `k3os/system/…` with its `current` links, and the links of `sbin`, below `root`. */
export function writeSystemTree(root: string, parts: SystemParts): void {
  for (const component of COMPONENTS) {
    const part = parts[component];
    if (part === undefined) continue;
    const directory = join(root, "k3os/system", component);
    mkdirSync(join(directory, part.version), { recursive: true });
    symlinkSync(part.version, join(directory, "current"));
    for (const [name, source] of Object.entries(part.files)) {
      const copy = join(directory, part.version, name);
      copyFileSync(source, copy, constants.COPYFILE_FICLONE);
      chmodSync(copy, PROGRAMS.has(name) ? 0o755 : 0o644);
    }
  }
  for (const [path, target] of Object.entries(FOREIGN_ROOT_LINKS)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    symlinkSync(target, join(root, path));
  }
}

/** What a cached step that writes the system tree depends on. */
export function treeInputs(
  parts: SystemParts,
  context: Pick<BuildContext, "version" | "sourceDateEpoch">,
): Input[] {
  const files = Object.values(parts).flatMap((part) => Object.entries(part.files));
  return [
    ...ownSources("system-tree.ts", "links.ts"),
    ...files.flatMap(([name, path]) => [name, { path }]),
    JSON.stringify(Object.entries(parts).map(([name, part]) => [name, part.version])),
    context.version,
    `${context.sourceDateEpoch}`,
  ];
}
