import { copyFileSync, rmSync, statSync } from "node:fs";
import { join, relative } from "node:path";
import type { CommandTable } from "../../tools/cli/cli.ts";
import { FILE } from "../../tools/host/paths.ts";
import type { Target } from "../../tools/host/targets.ts";
import type { ImageArchive } from "../../tools/images/image-archive.ts";
import { OPENRC_UNITS } from "../../tools/node/openrc-units.ts";
import type { SigningKey } from "../../tools/release/signing-key.ts";
import { type Made, partOf } from "../build/build-step.ts";
import { contentDigest } from "../build/content-digest.ts";
import type { BuildContext } from "../build/context.ts";
import { enableForeignPrograms } from "../build/foreign-programs.ts";
import { commandFiles } from "./command-files.ts";
import { buildContainer } from "./container.ts";
import { FIRMWARE_PACKAGES, SUITE } from "./debian-packages.ts";
import { compressFiles } from "./gzip-file.ts";
import { buildInitrd } from "./initrd.ts";
import { initrdBaseStep } from "./initrd-base.ts";
import { buildIso, type MediumArchive } from "./iso.ts";
import { buildKernel, type Kernel } from "./kernel.ts";
import { buildTarball } from "./overlay-tarball.ts";
import { packFiles } from "./packed-files.ts";
import { pinnedInstaller } from "./pinned-installer.ts";
import type { K3sChoice } from "./resolve-k3s.ts";
import { buildRootImage } from "./root-image.ts";
import { writeChecksums } from "./signing.ts";
import { systemParts } from "./system-tree.ts";
import { installUserland } from "./userland.ts";

export interface ImageOptions {
  /** The target's executable. */
  readonly executable: Made;
  readonly k3s: K3sChoice;
  /** Archives of container images for the ISO. */
  readonly images?: readonly Pick<ImageArchive, "name" | "path">[];
  /** The key that signs the checksums. */
  readonly key: SigningKey;
  /** Directories of earlier releases, from which nodes upgrade. */
  readonly earlier?: readonly string[];
  /** The product's commands, whose manual and completion are part of the image. */
  readonly commands: CommandTable;
}

/**
 * Builds all artifacts of a target except the executable, which must be in `dist/artifacts` already: the tarball and
 * the container image; for a target with a kernel the kernel's files and the ISO; then the signed checksums.
 */
export async function buildImages(
  target: Target,
  options: ImageOptions,
  context: BuildContext,
): Promise<void> {
  await enableForeignPrograms(target, context.host); // to configure packages and to run GRUB's tools
  process.umask(0o022); // the modes of written files end up in the images
  const built = await makeImages(target, options, context);
  built["install.sh"] = pinnedInstaller(context);
  for (const [name, source] of Object.entries(built)) publish(source, name, context);
  const { key, k3s, earlier = [] } = options;
  const packed = await packFiles(target, { earlier }, context);
  for (const name of packed) report(name, context);
  const names = [`k3os-${target.arch}`, ...Object.keys(built), ...packed];
  await writeChecksums(target, { names, key, k3s: k3s.executable && k3s.version }, context);
}

/** The steps of {@link buildImages}, in order. Returns the results by the names of the artifacts. */
export async function makeImages(
  target: Target,
  { executable, k3s: choice, images = [], commands }: Omit<ImageOptions, "key" | "earlier">,
  context: Pick<BuildContext, "host" | "make" | "version" | "sourceDateEpoch">,
): Promise<Record<string, string>> {
  const { version } = context;
  const { version: k3sVersion, executable: k3sExecutable } = choice;
  const k3s = k3sExecutable && { version: k3sVersion, executable: k3sExecutable };
  const root = await installUserland(target, context);
  const ofCommands = await commandFiles(commands, context);
  const services = Object.keys(OPENRC_UNITS);
  const rootImage = await buildRootImage(target, { root, commandFiles: ofCommands, services }, context);
  const kernel = target.kernel === undefined ? undefined : await makeKernel(target, executable, context);
  const parts = systemParts({ version, executable, rootSquashfs: rootImage.squashfs, kernel, k3s });
  const compressed = await compressFiles(target, parts, context);
  const built: Record<string, string> = {
    [`k3os-rootfs-${target.arch}.tar.gz`]: await buildTarball(target, { parts, compressed }, context),
    [`k3os-image-${target.arch}.tar`]: await buildContainer(
      target,
      {
        parts,
        compressed,
        bases: { [FILE.rootSquashfs]: rootImage.base, ...(kernel && { [FILE.initrd]: kernel.initrdBase }) },
      },
      context,
    ),
    [`k3os-userland-${target.arch}.squashfs`]: rootImage.squashfs.path,
    ...(k3s && { [`k3s-${target.arch}`]: k3s.executable.path }),
    ...(kernel && kernelArtifacts(target, kernel)),
  };
  if (kernel && target.grub.length > 0) {
    built[`k3os-${target.arch}.iso`] = await buildIso(
      target,
      { parts, root, images: images.map(madeArchive) },
      context,
    );
  }
  return built;
}

function madeArchive({ name, path }: Pick<ImageArchive, "name" | "path">): MediumArchive {
  return { name, file: { path, digest: contentDigest(path, "git") } };
}

/** A kernel and its initrd, which begins with a base. */
type BootableKernel = Kernel & { readonly initrd: Made; readonly initrdBase: Made };

async function makeKernel(
  target: Target,
  executable: Made,
  context: Pick<BuildContext, "make" | "version" | "sourceDateEpoch">,
): Promise<BootableKernel> {
  const { arch, debian } = target;
  const { make, sourceDateEpoch } = context;
  const kernel = await buildKernel(target, { suite: SUITE, firmware: FIRMWARE_PACKAGES }, context);
  const { version, tree } = kernel;
  const input = { debian, suite: SUITE, kernel: { version, tree }, sourceDateEpoch };
  const made = await make(initrdBaseStep, {
    name: `initrd-base-${arch}`,
    input: { ...input, networkDrivers: FILE.networkDrivers },
  });
  const initrdBase = partOf(made, "base");
  const initrd = await buildInitrd(target, { base: initrdBase, executable }, context);
  return { ...kernel, initrd, initrdBase };
}

function kernelArtifacts(target: Target, kernel: BootableKernel): Record<string, string> {
  return {
    [`k3os-kernel-${target.arch}.squashfs`]: kernel.squashfs.path,
    [`k3os-initrd-${target.arch}`]: kernel.initrd.path,
    [`k3os-vmlinuz-${target.arch}`]: kernel.vmlinuz,
    [`k3os-kernel-version-${target.arch}`]: join(kernel.tree.path, "version"),
  };
}

/** Copies a result to `dist/artifacts` and prints its size. */
function publish(source: string, name: string, context: BuildContext): void {
  const file = join(context.artifacts, name);
  rmSync(file, { force: true }); // a virtual machine may still have the old one open
  copyFileSync(source, file);
  report(name, context);
}

function report(name: string, { artifacts, project, host }: BuildContext): void {
  const file = join(artifacts, name);
  const megabytes = (statSync(file).size / 1e6).toFixed(1);
  host.print(`${relative(project, file)}  ${megabytes} MB\n`);
}
