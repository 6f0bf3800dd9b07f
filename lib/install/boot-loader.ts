import {
  closeSync,
  copyFileSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { bootCode, writeBootCode } from "../tools/disk/boot-sector.ts";
import { coreConfig, grubImageArgv } from "../tools/disk/grub.ts";
import { FIRST_PARTITION } from "../tools/disk/partitions.ts";
import { cmd } from "../tools/host/cmd.ts";
import type { Host } from "../tools/host/host.ts";
import { inRoot, PATH } from "../tools/host/paths.ts";
import { CommandError } from "../tools/text/errors.ts";
import type { DiskPlan, PartitionPlan } from "./install-plan.ts";

/** GRUB's core image, made for one disk. */
export type CoreImage = Buffer;

/**
 * Writes GRUB's modules and its environment block below `root/boot/grub`, and makes the core image that loads them.
 * k3OS installs GRUB itself, without grub-install, to control when the disk becomes bootable. This also works without
 * udev, as in a container that makes disk images.
 */
export async function addBootFiles(
  plan: DiskPlan | PartitionPlan,
  root: string,
  host: Pick<Host, "root" | "run">,
): Promise<CoreImage | undefined> {
  const directory = join(root, "boot/grub");
  const environment = join(directory, "grubenv");
  if (!existsSync(environment)) await host.run(cmd`grub-editenv ${environment} create`);
  if (plan.kind === "partition") return undefined;
  const platform = plan.grub;
  const modules = inRoot(host, join(PATH.grubLibrary, platform.name));
  const copies = join(directory, platform.name);
  mkdirSync(copies, { recursive: true });
  for (const name of readdirSync(modules)) {
    if (/\.(mod|lst)$/.test(name)) copyFileSync(join(modules, name), join(copies, name));
  }
  const config = join(copies, "load.cfg");
  const output = join(copies, "core.img");
  writeFileSync(config, coreConfig(plan.state.uuid));
  await host.run(grubImageArgv({ platform, modules, config, output }));
  return readFileSync(output);
}

/** Makes a disk bootable, whose file systems are complete and flushed. Only the last write has this effect. */
export async function makeBootable(
  { device, loader, grub }: DiskPlan,
  core: CoreImage | undefined,
  host: Pick<Host, "root" | "run">,
): Promise<void> {
  if (core === undefined) throw new CommandError("There is no GRUB core image");
  if (loader.kind === "efi") return await addToEsp(loader.esp, loader.file, core, host);
  const image = readFileSync(inRoot(host, join(PATH.grubLibrary, grub.name, "boot.img")));
  writeBootCode(device, bootCode(image), core, FIRST_PARTITION);
}

/**
 * Uses mtools, which need no vfat in the kernel. A rename makes the complete file appear under the name that the
 * firmware loads.
 */
async function addToEsp(
  esp: string,
  file: string,
  core: CoreImage,
  host: Pick<Host, "root" | "run">,
): Promise<void> {
  const source = inRoot(host, join(PATH.installDir, file));
  const env = { MTOOLS_SKIP_CHECK: "1" };
  writeFileSync(source, core);
  try {
    await host.run(cmd`mmd -i ${esp} ::/EFI ::/EFI/BOOT`, { env });
    await host.run(cmd`mcopy -i ${esp} ${source} ::/EFI/BOOT/GRUB.TMP`, { env });
    flushDevice(esp);
    await host.run(cmd`mren -i ${esp} ::/EFI/BOOT/GRUB.TMP ::/EFI/BOOT/${file}`, { env });
    flushDevice(esp);
  } finally {
    rmSync(source, { force: true });
  }
}

function flushDevice(path: string): void {
  const fd = openSync(path, "r+");
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
