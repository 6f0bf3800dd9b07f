import { copyFileSync, lstatSync, mkdirSync, readFileSync, readlinkSync, rmSync, symlinkSync } from "node:fs";
import { dirname, join } from "node:path";
import { walk } from "../../tools/fs/walk.ts";
import type { Target } from "../../tools/host/targets.ts";
import { APT_PACKAGES, APT_VARIABLES, openAptRoot, unpackPackages } from "../build/apt.ts";
import type { Made, Step, StepContext } from "../build/build-step.ts";
import { BUSYBOX_APPLETS } from "./busybox.ts";
import { type CpioEntry, cpioArchive } from "./cpio.ts";
import { addModules, addNetworkDrivers } from "./initrd-modules.ts";
import { compress } from "./zstd.ts";

/** Static programs of Debian in the initrd: package → its file → path in the initrd. */
const STATIC_PROGRAMS = [
  { package: "busybox-static", file: "usr/bin/busybox", path: "bin/busybox" },
  { package: "e2fsck-static", file: "usr/sbin/e2fsck.static", path: "sbin/e2fsck" },
] as const;

const EMPTY_DIRECTORIES = ["dev", "mnt", "proc", "run", "sys", "tmp"];

export interface BaseInput extends Pick<Target, "debian"> {
  readonly suite: string;
  readonly kernel: { readonly version: string; readonly tree: Made };
  /** The path of the network drivers' image in the initrd. */
  readonly networkDrivers: string;
  readonly sourceDateEpoch: number;
}

/** Builds the part of an initrd that does not depend on our executable, as the file `base`. */
export const initrdBaseStep: Step<BaseInput> = {
  module: import.meta.filename,
  packages: () => [...APT_PACKAGES, "coreutils", "kmod", "squashfs-tools", "xz-utils", "zstd"],
  variables: APT_VARIABLES,
  shared: true,
  make: async ({ kernel, networkDrivers, sourceDateEpoch, ...programs }, into, context) => {
    const tree = join(into, "tree");
    const modules = { version: kernel.version, tree: kernel.tree.path };
    await addPrograms(programs, tree, context);
    await addModules(modules, tree, context);
    await addNetworkDrivers(modules, { tree, path: networkDrivers, time: sourceDateEpoch }, context);
    await compress(cpioArchive(treeEntries(tree), sourceDateEpoch), join(into, "base"), "-19", context);
    rmSync(tree, { recursive: true });
  },
};

async function addPrograms(
  { suite, debian }: Pick<BaseInput, "suite" | "debian">,
  tree: string,
  { host }: StepContext,
): Promise<void> {
  const packed = `${tree}.packages`;
  {
    await using apt = await openAptRoot({ suite, arch: debian }, host);
    const names = STATIC_PROGRAMS.map((program) => program.package);
    await unpackPackages(await apt.download(names, { dependencies: false }), packed, host);
  }
  for (const name of EMPTY_DIRECTORIES) mkdirSync(join(tree, name), { recursive: true });
  for (const { file, path } of STATIC_PROGRAMS) {
    mkdirSync(dirname(join(tree, path)), { recursive: true });
    copyFileSync(join(packed, file), join(tree, path));
  }
  for (const applet of BUSYBOX_APPLETS) symlinkSync("/bin/busybox", join(tree, applet));
  rmSync(packed, { recursive: true });
}

/** A directory tree as archive entries, sorted by path. */
function treeEntries(tree: string): CpioEntry[] {
  return walk(tree).map(({ path }) => {
    const file = join(tree, path);
    const stat = lstatSync(file);
    if (stat.isDirectory()) return { kind: "directory", path };
    if (stat.isSymbolicLink()) return { kind: "link", path, target: readlinkSync(file) };
    return { kind: "file", path, mode: stat.mode & 0o755, content: readFileSync(file) };
  });
}
