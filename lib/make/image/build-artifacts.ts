import { copyFileSync, existsSync, rmSync, statSync } from "node:fs";
import { join, relative } from "node:path";
import type { CommandTable } from "../../tools/cli/cli.ts";
import type { Target } from "../../tools/host/targets.ts";
import type { SecretKey } from "../../tools/release/signature-keys.ts";
import { CommandError } from "../../tools/text/errors.ts";
import type { BuildContext } from "../build/context.ts";
import { enableForeignPrograms } from "../build/foreign-programs.ts";
import { compressFiles } from "./compressed-tree.ts";
import { buildContainer } from "./container.ts";
import { buildInitrd } from "./initrd.ts";
import { buildIso } from "./iso.ts";
import { buildKernel, type Kernel } from "./kernel.ts";
import { buildTarball } from "./overlay-tarball.ts";
import { resolveK3s } from "./resolve-k3s.ts";
import { writeChecksums } from "./signing.ts";
import { systemParts } from "./system-tree.ts";
import { buildRootImage, installUserland } from "./userland.ts";

export interface ImageOptions {
  /** A path or URL of k3s, `none`, or undefined for the pinned release if it can be reached. */
  readonly k3s: string | undefined;
  /** Signs the checksums. */
  readonly key: SecretKey;
  /** The product's commands, whose manual and completion are part of the image. */
  readonly commands: CommandTable;
}

/**
 * Builds all artifacts of a target that hold more than the executable, which must be in `dist/artifacts` already:
 * the tarball and the container image, and where the target has a kernel the kernel's files and the ISO; then the
 * checksums, signed.
 */
export async function buildImages(
  target: Target,
  options: ImageOptions,
  context: BuildContext,
): Promise<void> {
  const executable = join(context.artifacts, `k3os-${target.arch}`);
  if (!existsSync(executable)) {
    throw new CommandError(`Cannot find the executable "${relative(context.project, executable)}"`, {
      hint: "run: npm run build:bin",
    });
  }
  await enableForeignPrograms(target, context.host); // packages are configured, and GRUB's tools run
  process.umask(0o022); // what we write ends in the images with its mode
  const k3s = await resolveK3s(options.k3s, target, context);
  const root = await installUserland(target, context);
  const rootImage = await buildRootImage(root, target, options.commands, context);
  const kernel = target.kernel === undefined ? undefined : await buildKernel(target, context);
  const initrd = kernel && (await buildInitrd(target, { executable, kernel }, context));
  const parts = systemParts({
    version: context.version,
    executable,
    rootSquashfs: rootImage.squashfs,
    kernel: kernel && initrd ? { ...kernel, initrd } : undefined,
    k3s,
  });

  const compressed = await compressFiles(target, parts, context);
  const built: Record<string, string> = {
    [`k3os-rootfs-${target.arch}.tar.gz`]: await buildTarball(target, { parts, compressed }, context),
    [`k3os-image-${target.arch}.tar`]: await buildContainer(target, { parts, compressed }, context),
  };
  if (kernel && initrd) {
    Object.assign(built, kernelArtifacts(target, kernel, initrd));
    if (target.grub.length > 0) {
      built[`k3os-${target.arch}.iso`] = await buildIso(target, { parts, root }, context);
    }
  }
  const installer = join(context.project, "install.sh");
  if (existsSync(installer)) built["install.sh"] = installer;
  for (const [name, source] of Object.entries(built)) publish(source, name, context);
  const names = [`k3os-${target.arch}`, ...Object.keys(built)];
  await writeChecksums(target, { names, key: options.key }, context);
}

function kernelArtifacts(target: Target, kernel: Kernel, initrd: string): Record<string, string> {
  return {
    [`k3os-kernel-${target.arch}.squashfs`]: kernel.squashfs,
    [`k3os-initrd-${target.arch}`]: initrd,
    [`k3os-vmlinuz-${target.arch}`]: kernel.vmlinuz,
    [`k3os-kernel-version-${target.arch}`]: join(kernel.tree, "version"),
  };
}

/** Copies a result to `dist/artifacts` and says how large it is. */
function publish(source: string, name: string, { artifacts, project, host }: BuildContext): void {
  const file = join(artifacts, name);
  rmSync(file, { force: true }); // a virtual machine may still have the old one open
  copyFileSync(source, file);
  const megabytes = (statSync(file).size / 1e6).toFixed(1);
  host.print(`${relative(project, file)}  ${megabytes} MB\n`);
}
