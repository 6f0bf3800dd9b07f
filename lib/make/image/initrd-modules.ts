import { copyFileSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { cmd } from "../../tools/host/cmd.ts";
import type { StepContext } from "../build/build-step.ts";
import { makeSquashfs } from "./squashfs.ts";

/** The tree of a kernel, see Kernel. */
export interface KernelTree {
  /** Its `uname -r`. */
  readonly version: string;
  readonly tree: string;
}

/** The compression of the drivers in the initrd: they are read once and in part, so only the size matters. */
const COMPRESSION = ["-comp", "xz", "-b", "1M"];

const METADATA = ["modules.builtin", "modules.builtin.modinfo", "modules.order"];

/** Adds the modules that the kernel lists for the initrd, uncompressed: busybox's modprobe does not support xz. */
export async function addModules(kernel: KernelTree, tree: string, context: StepContext): Promise<void> {
  await copyModules(kernel, listed(kernel, "initrd-modules"), tree, context);
}

/**
 * Adds the drivers of network cards with their firmware, as an image that a boot mounts over /lib if it needs them: all
 * other boots neither unpack nor load them. Its module index covers both. It becomes the file at `path` in the initrd's
 * tree; all its times are `time` (seconds since the epoch).
 */
export async function addNetworkDrivers(
  kernel: KernelTree,
  { tree, path, time }: { readonly tree: string; readonly path: string; readonly time: number },
  context: StepContext,
): Promise<void> {
  const scratch = `${tree}.network`;
  const [basic, network] = [listed(kernel, "initrd-modules"), listed(kernel, "initrd-network-modules")];
  await copyModules(kernel, [...basic, ...network], scratch, context);
  for (const path of basic) rmSync(join(scratch, "lib/modules", kernel.version, unpacked(path)));
  for (const name of listed(kernel, "initrd-firmware")) {
    const destination = join(scratch, "lib/firmware", name);
    mkdirSync(dirname(destination), { recursive: true });
    copyFileSync(join(kernel.tree, "lib/firmware", name), destination); // a link becomes a file
  }
  await makeSquashfs(scratch, join(tree, path), COMPRESSION, time, context);
  rmSync(scratch, { recursive: true });
}

function listed(kernel: KernelTree, list: string): string[] {
  return readFileSync(join(kernel.tree, list), "utf8")
    .split("\n")
    .filter((line) => line !== "");
}

function unpacked(path: string): string {
  return path.replace(/\.xz$/, "");
}

/** Copies modules (paths below the module directory) into a root, and makes their index. */
async function copyModules(
  kernel: KernelTree,
  modules: readonly string[],
  root: string,
  { host }: StepContext,
): Promise<void> {
  const source = join(kernel.tree, "lib/modules", kernel.version);
  const directory = join(root, "lib/modules", kernel.version);
  for (const path of [...modules, ...METADATA]) {
    mkdirSync(dirname(join(directory, path)), { recursive: true });
    copyFileSync(join(source, path), join(directory, path));
  }
  const packed = modules.filter((path) => path.endsWith(".xz")).map((path) => join(directory, path));
  if (packed.length > 0) await host.run(cmd`xz --decompress ${packed}`);
  await host.run(cmd`depmod --basedir ${root} ${kernel.version}`);
}
