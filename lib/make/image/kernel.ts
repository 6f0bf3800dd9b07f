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
import { filesBelow } from "../../tools/fs/walk.ts";
import { cmd } from "../../tools/host/cmd.ts";
import type { Host } from "../../tools/host/host.ts";
import type { Target } from "../../tools/host/targets.ts";
import { CommandError } from "../../tools/text/errors.ts";
import { APT_PACKAGES, APT_VARIABLES, openAptRoot, unpackPackages } from "../build/apt.ts";
import { type Made, partOf, type Step, type StepContext } from "../build/build-step.ts";
import type { BuildContext } from "../build/context.ts";
import { selectFirmware } from "./firmware.ts";
import { INITRD_MODULES, missingModules, parseModulesDep, selectModules } from "./module-selection.ts";
import { isLeftOut, NETWORK_MODULES, needsFirmware } from "./network-modules.ts";
import { makeSquashfs } from "./squashfs.ts";

/** A built kernel: its squashfs, and the unpacked tree. */
export interface Kernel {
  /** Its `uname -r`. */
  readonly version: string;
  readonly squashfs: Made;
  readonly vmlinuz: string;
  /** The content of the squashfs: vmlinuz, System.map, config, lib/modules, lib/firmware. */
  readonly tree: Made;
}

const SQUASHFS = "kernel.squashfs";

/**
 * kernel.squashfs: xz, since GRUB reads the kernel out of it and knows xz but not zstd. The kernel image and the
 * modules are compressed in themselves, so they are stored as they are, which GRUB and modprobe read faster.
 * https://git.savannah.gnu.org/cgit/grub.git/tree/grub-core/fs/squash4.c
 */
const COMPRESSION = [
  ...["-comp", "xz", "-b", "256K"],
  ...["vmlinuz", "*.ko.xz"].flatMap((name) => ["-action", `uncompressed@name(${name})`]),
];

/**
 * Graphics drivers that only work with firmware that k3OS omits, and disable the firmware's working framebuffer first.
 */
const EXCLUDED_MODULES = ["amd", "nouveau", "radeon", "xe"].map((name) => `drivers/gpu/drm/${name}`);

/**
 * Drivers whose firmware is omitted because of its size: graphics, TV cards and accelerators work without it, or not at
 * all.
 */
const WITHOUT_FIRMWARE = /\/(sound|drivers\/(gpu|media|accel|bluetooth))\//;

interface KernelInput extends Pick<Target, "debian"> {
  readonly suite: string;
  /** The metapackage that depends on the kernel. */
  readonly package: string;
  readonly firmware: readonly string[];
  readonly sourceDateEpoch: number;
}

const kernelStep: Step<KernelInput> = {
  module: import.meta.filename,
  packages: () => [...APT_PACKAGES, "coreutils", "kmod", "squashfs-tools", "xz-utils"],
  variables: APT_VARIABLES,
  shared: true,
  make: async ({ debian, suite, package: metapackage, firmware, sourceDateEpoch }, into, context) => {
    const { host } = context;
    const packed = join(into, "packages");
    {
      await using apt = await openAptRoot({ suite, arch: debian }, host);
      const image = await kernelImage(metapackage, apt.env, host);
      const debs = await apt.download([image, ...firmware], { dependencies: false });
      await unpackPackages(debs, packed, host);
    }
    const tree = join(into, "tree");
    const version = arrangeTree(packed, tree);
    await host.run(cmd`depmod --basedir ${tree} ${version}`);
    await keepFirmware(join(packed, "usr/lib/firmware"), tree, version, context);
    rmSync(packed, { recursive: true });
    await writeInitrdLists(tree, version, context);
    await makeSquashfs(tree, join(into, SQUASHFS), COMPRESSION, sourceDateEpoch, context);
  },
};

/** Builds kernel.squashfs from Debian's kernel and firmware packages. The target must have a kernel. */
export async function buildKernel(
  { arch, debian, kernel }: Target,
  { suite, firmware }: Pick<KernelInput, "suite" | "firmware">,
  { make, sourceDateEpoch }: Pick<BuildContext, "make" | "sourceDateEpoch">,
): Promise<Kernel> {
  if (kernel === undefined) throw new CommandError(`There is no kernel for "${arch}"`);
  const input = { debian, suite, package: kernel, firmware, sourceDateEpoch };
  const made = await make(kernelStep, { name: `kernel-${arch}`, input });
  const tree = partOf(made, "tree");
  return {
    version: readFileSync(join(tree.path, "version"), "utf8").trim(),
    squashfs: partOf(made, SQUASHFS),
    vmlinuz: join(tree.path, "vmlinuz"),
    tree,
  };
}

/** The package of the kernel: the dependency of the metapackage `linux-image-ARCH`. Throws CommandError. */
export async function kernelImage(
  metapackage: string,
  env: Readonly<Record<string, string>>,
  host: Pick<Host, "run">,
): Promise<string> {
  const { stdout } = await host.run(cmd`apt-cache depends --no-recommends ${metapackage}`, { env });
  const name = /^\s*Depends: (linux-image-\S+)$/m.exec(stdout)?.[1];
  if (name !== undefined) return name;
  throw new CommandError(`Package "${metapackage}" depends on no kernel image: found "${stdout.trim()}"`);
}

/** Moves the unpacked packages to their paths in kernel.squashfs, and returns the kernel's version. */
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
  // also readable in the running system
  copyFileSync(join(tree, "config"), join(tree, "lib/modules", version, "config"));
  writeFileSync(join(tree, "version"), `${version}\n`);
  return version;
}

/** Copies the firmware of the kernel's modules; links stay links, and their targets are copied too. */
async function keepFirmware(
  source: string,
  tree: string,
  version: string,
  { host }: StepContext,
): Promise<void> {
  const modules = filesBelow(join(tree, "lib/modules", version))
    .filter((path) => /\.ko(\.\w+)?$/.test(path) && !WITHOUT_FIRMWARE.test(path))
    .map((path) => join(tree, "lib/modules", version, path));
  const { stdout } = await host.run(cmd`modinfo --field=firmware ${modules}`);
  const declared = [...new Set(stdout.split("\n").filter((line) => line !== ""))];
  // cfg80211 requests these without a declaration; Debian's kernel trusts Debian's signature
  const always = ["regulatory.db", "regulatory.db.p7s"];
  for (const name of always) renameSync(join(source, `${name}-debian`), join(source, name)); // otherwise an alternative
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

/** The lists of this kernel's modules in the initrd, kept in the squashfs like in the original. */
async function writeInitrdLists(tree: string, version: string, { host }: StepContext): Promise<void> {
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
  const { stdout } = await host.run(cmd`modinfo --field=firmware ${drivers}`);
  const firmware = selectFirmware(stdout.split("\n"), filesBelow(join(tree, "lib/firmware")));
  const lists = { "initrd-modules": basic, "initrd-network-modules": network, "initrd-firmware": firmware };
  for (const [name, paths] of Object.entries(lists)) writeFileSync(join(tree, name), `${paths.join("\n")}\n`);
}
