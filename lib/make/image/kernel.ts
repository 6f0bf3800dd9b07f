import {
  copyFileSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { FILE } from "../../tools/host/paths.ts";
import type { Target } from "../../tools/host/targets.ts";
import { CommandError } from "../../tools/text/errors.ts";
import { openAptRoot, unpackPackages } from "../build/apt.ts";
import { type BuildContext, cached } from "../build/context.ts";
import { ensurePackages } from "../build/required-packages.ts";
import { FIRMWARE_PACKAGES, SUITE } from "./debian-packages.ts";
import { selectFirmware } from "./firmware.ts";
import { INITRD_MODULES, missingModules, parseModulesDep, selectModules } from "./module-selection.ts";
import { isLeftOut, NETWORK_MODULES, needsFirmware } from "./network-modules.ts";
import { ownSources } from "./own-sources.ts";
import { kernelSquashfs } from "./squashfs.ts";
import { filesBelow } from "./walk.ts";

/** A kernel as built: its squashfs, and the same tree unpacked. */
export interface Kernel {
  /** `uname -r` of it. */
  readonly version: string;
  readonly squashfs: string;
  readonly vmlinuz: string;
  /** The content of the squashfs: vmlinuz, System.map, config, lib/modules, lib/firmware. */
  readonly tree: string;
  /** The directory of this build result, its name unique for its content. */
  readonly directory: string;
}

/**
 * Graphics drivers that do nothing without firmware we do not carry, except to take the screen from the working
 * framebuffer of the firmware first.
 */
const EXCLUDED_MODULES = ["amd", "nouveau", "radeon", "xe"].map((name) => `drivers/gpu/drm/${name}`);

/** Drivers whose firmware is not worth its size: graphics, TV cards and accelerators work without, or not at all. */
const WITHOUT_FIRMWARE = /\/(sound|drivers\/(gpu|media|accel|bluetooth))\//;

/** Builds kernel.squashfs from Debian's kernel and firmware packages. The target must have a kernel. */
export async function buildKernel(target: Target, context: BuildContext): Promise<Kernel> {
  const packageName = target.kernel;
  if (packageName === undefined) throw new CommandError(`There is no kernel for "${target.arch}"`);
  const inputs = [
    ...ownSources("kernel.ts", "firmware.ts", "module-selection.ts", "network-modules.ts", "squashfs.ts"),
    SUITE,
    packageName,
    ...FIRMWARE_PACKAGES,
    String(context.sourceDateEpoch),
  ];
  const directory = await cached(
    { name: `kernel-${target.arch}`, inputs },
    (into) => makeKernel(packageName, target, into, context),
    context,
  );
  const tree = join(directory, "tree");
  return {
    version: readFileSync(join(tree, "version"), "utf8").trim(),
    squashfs: join(directory, FILE.kernelSquashfs),
    vmlinuz: join(tree, "vmlinuz"),
    tree,
    directory,
  };
}

async function makeKernel(packageName: string, target: Target, into: string, context: BuildContext) {
  const { host } = context;
  await ensurePackages(["kmod", "squashfs-tools", "xz-utils"], host);
  const packed = join(into, "packages");
  {
    await using apt = await openAptRoot({ suite: SUITE, arch: target.debian }, host);
    const image = await kernelImage(packageName, apt.env, host);
    const debs = await apt.download([image, ...FIRMWARE_PACKAGES], { dependencies: false });
    await unpackPackages(debs, packed, host);
  }
  const tree = join(into, "tree");
  const version = arrangeTree(packed, tree);
  await host.run(["depmod", "--basedir", tree, version]);
  await keepFirmware(join(packed, "usr/lib/firmware"), tree, version, context);
  rmSync(packed, { recursive: true });
  await writeInitrdLists(tree, version, context);
  await kernelSquashfs(tree, join(into, FILE.kernelSquashfs), context);
}

/** The package that holds the kernel: what the metapackage `linux-image-ARCH` depends on. Throws CommandError. */
export async function kernelImage(
  metapackage: string,
  env: Readonly<Record<string, string>>,
  host: Pick<BuildContext["host"], "run">,
): Promise<string> {
  const { stdout } = await host.run(["apt-cache", "depends", "--no-recommends", metapackage], { env });
  const name = /^\s*Depends: (linux-image-\S+)$/m.exec(stdout)?.[1];
  if (name !== undefined) return name;
  throw new CommandError(`Package "${metapackage}" depends on no kernel image: found "${stdout.trim()}"`);
}

/** Moves the unpacked packages to where kernel.squashfs has them, and returns the kernel's version. */
function arrangeTree(packed: string, tree: string): string {
  if (existsSync(join(packed, "lib")))
    cpSync(join(packed, "lib"), join(packed, "usr/lib"), { recursive: true });
  const modules = join(packed, "usr/lib/modules");
  const [version, ...others] = readdirSync(modules);
  if (version === undefined || others.length > 0) {
    throw new CommandError(`Expected the modules of one kernel, found ${others.length + 1}`);
  }
  mkdirSync(join(tree, "lib/modules"), { recursive: true });
  for (const path of EXCLUDED_MODULES) rmSync(join(modules, version, "kernel", path), { recursive: true });
  renameSync(join(modules, version), join(tree, "lib/modules", version));
  for (const file of ["vmlinuz", "System.map", "config"]) {
    copyFileSync(join(packed, "boot", `${file}-${version}`), join(tree, file));
  }
  // where the running system can read it, too
  copyFileSync(join(tree, "config"), join(tree, "lib/modules", version, "config"));
  writeFileSync(join(tree, "version"), `${version}\n`);
  return version;
}

/** Copies the firmware that the kernel's modules name; links stay links, with what they point to. */
async function keepFirmware(
  source: string,
  tree: string,
  version: string,
  { host }: Pick<BuildContext, "host">,
): Promise<void> {
  const modules = filesBelow(join(tree, "lib/modules", version))
    .filter((path) => /\.ko(\.\w+)?$/.test(path) && !WITHOUT_FIRMWARE.test(path))
    .map((path) => join(tree, "lib/modules", version, path));
  const { stdout } = await host.run(["modinfo", "--field=firmware", ...modules]);
  const declared = [...new Set(stdout.split("\n").filter((line) => line !== ""))];
  // cfg80211 asks for these without declaring it; Debian's kernel trusts Debian's signature
  const always = ["regulatory.db", "regulatory.db.p7s"];
  for (const name of always) renameSync(join(source, `${name}-debian`), join(source, name)); // else an alternative
  const kept = join(tree, "lib/firmware");
  mkdirSync(kept, { recursive: true });
  const available = filesBelow(source);
  for (const file of selectFirmware([...declared, ...always], available)) copyWithTarget(file, source, kept);
}

function copyWithTarget(file: string, source: string, into: string): void {
  const destination = join(into, file);
  if (existsSync(destination)) return;
  mkdirSync(dirname(destination), { recursive: true });
  if (!lstatSync(join(source, file)).isSymbolicLink()) {
    copyFileSync(join(source, file), destination);
    return;
  }
  const link = readlinkSync(join(source, file));
  symlinkSync(link, destination);
  const behind = join(dirname(file), link);
  if (!behind.startsWith("..")) copyWithTarget(behind, source, into);
}

/** The lists of what the initrd holds of this kernel, kept in the squashfs as the original did. */
async function writeInitrdLists(
  tree: string,
  version: string,
  { host }: Pick<BuildContext, "host">,
): Promise<void> {
  const directory = join(tree, "lib/modules", version);
  const dependencies = parseModulesDep(readFileSync(join(directory, "modules.dep"), "utf8"));
  const builtin = readFileSync(join(directory, "modules.builtin"), "utf8");
  const wanted = [...INITRD_MODULES, ...NETWORK_MODULES];
  host.log.debug(`not in this kernel: ${missingModules(dependencies, builtin, wanted).join(" ")}`);
  const basic = selectModules(dependencies, INITRD_MODULES);
  const network = selectModules(dependencies, NETWORK_MODULES).filter(
    (path) => !basic.includes(path) && !isLeftOut(path),
  );
  const drivers = network.filter(needsFirmware).map((path) => join(directory, path));
  const { stdout } = await host.run(["modinfo", "--field=firmware", ...drivers]);
  const firmware = selectFirmware(stdout.split("\n"), filesBelow(join(tree, "lib/firmware")));
  const lists = { "initrd-modules": basic, "initrd-network-modules": network, "initrd-firmware": firmware };
  for (const [name, paths] of Object.entries(lists)) writeFileSync(join(tree, name), `${paths.join("\n")}\n`);
}
