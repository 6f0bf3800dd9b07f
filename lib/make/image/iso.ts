import {
  chmodSync,
  constants,
  copyFileSync,
  globSync,
  lutimesSync,
  mkdirSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { scratchDirectory } from "../../tools/fs/scratch-directory.ts";
import { walk } from "../../tools/fs/walk.ts";
import { cmd } from "../../tools/host/cmd.ts";
import { LABEL } from "../../tools/host/paths.ts";
import type { Target } from "../../tools/host/targets.ts";
import { IMAGES, IMAGES_LIST, imagesList } from "../../tools/images/image-set.ts";
import { type Made, partOf, type Step, type StepContext } from "../build/build-step.ts";
import type { BuildContext } from "../build/context.ts";
import { mediumMenu, mediumSearch } from "./grub-menu.ts";
import { type SystemParts, writeSystemTree } from "./system-tree.ts";

/** The modules in the boot loader itself, to find the medium on any device; all others are loaded from there. */
const CORE_MODULES = [
  "iso9660",
  "part_gpt",
  "part_msdos",
  "search",
  "search_fs_file",
  "normal",
  "configfile",
];

/** The boot image of each GRUB platform. `format` is grub-mkimage's name of the image type. */
const BIOS = {
  platform: "i386-pc",
  format: "i386-pc-eltorito",
  modules: ["biosdisk", ...CORE_MODULES],
} as const;
const EFI_MODULES = [...CORE_MODULES, "fat"];

const PLACEHOLDER_CONFIG = "# k3OS configuration; an installation copies this file to its disk\n";

/** An archive of container images for the medium. */
export interface MediumArchive {
  readonly name: string;
  readonly file: Made;
}

interface IsoInput {
  readonly target: Pick<Target, "arch" | "grub" | "efiBoot">;
  readonly parts: SystemParts;
  readonly images: readonly MediumArchive[];
  /** An installed userland with the boot loader. */
  readonly root: Made;
  readonly version: string;
  readonly sourceDateEpoch: number;
}

const ISO = "k3os.iso";

const isoStep: Step<IsoInput> = {
  module: import.meta.filename,
  packages: () => ["coreutils", "dosfstools", "mtools", "xorriso"],
  make: makeIso,
};

/**
 * Builds `k3os-ARCH.iso`, which boots by BIOS or UEFI (by the target's row) from an optical drive, a USB stick or a
 * disk. The boot loader is that of the target's userland, an installed root file system.
 */
export async function buildIso(
  { arch, grub, efiBoot }: Target,
  { parts, root, images }: Pick<IsoInput, "parts" | "root" | "images">,
  { make, version, sourceDateEpoch }: Pick<BuildContext, "make" | "version" | "sourceDateEpoch">,
): Promise<string> {
  const input = { target: { arch, grub, efiBoot }, parts, root, images, version, sourceDateEpoch };
  return partOf(await make(isoStep, { name: `iso-${arch}`, input }), ISO).path;
}

async function makeIso(input: IsoInput, into: string, context: StepContext): Promise<void> {
  const { target, parts, version, sourceDateEpoch } = input;
  const root = input.root.path;
  const tree = join(into, "tree");
  writeSystemTree(tree, parts);
  writeFileSync(join(tree, "k3os/system/config.yaml"), PLACEHOLDER_CONFIG);
  await addImages(input.images, join(tree, "k3os/system", IMAGES));
  const grub = join(tree, "boot/grub");
  mkdirSync(join(grub, "fonts"), { recursive: true });
  writeFileSync(join(grub, "grub.cfg"), mediumMenu());
  copyFileSync(join(root, "usr/share/grub/unicode.pf2"), join(grub, "fonts/unicode.pf2"));
  const mark = `boot/grub/k3os-${version}-${target.arch}`;
  writeFileSync(join(tree, mark), "");

  const search = mediumSearch(`/${mark}`);
  const booting: string[] = [];
  for (const platform of target.grub) {
    copyModules(join(root, "usr/lib/grub", platform), join(grub, platform));
    if (platform === BIOS.platform) {
      const image = join(grub, platform, "eltorito.img");
      await grubImage(root, { ...BIOS, search, output: image }, context);
      booting.push(...biosOptions(root, image.slice(tree.length + 1)));
    } else {
      const image = join(tree, "efi.img");
      await efiImage(input, { platform, search, output: image, tree }, context);
      booting.push("--efi-boot", "efi.img", "-efi-boot-part", "--efi-boot-image");
    }
  }
  setTimes(tree, sourceDateEpoch);
  const write = cmd`
    xorriso -as mkisofs -quiet -r -J -joliet-long -V ${LABEL.medium}
      ${booting} --protective-msdos-label -o ${join(into, ISO)} ${tree}
  `;
  // xorriso(1) derives volume dates, file dates and the GUIDs of the partition table from it
  await context.host.run(write, { env: { SOURCE_DATE_EPOCH: String(sourceDateEpoch) } });
  rmSync(tree, { recursive: true });
}

async function addImages(images: readonly MediumArchive[], directory: string): Promise<void> {
  if (images.length === 0) return;
  mkdirSync(directory);
  const paths = images.map(({ name, file }) => {
    const path = join(directory, name);
    copyFileSync(file.path, path, constants.COPYFILE_FICLONE);
    chmodSync(path, 0o644);
    return { path };
  });
  writeFileSync(join(directory, IMAGES_LIST), await imagesList(paths));
}

function biosOptions(root: string, image: string): string[] {
  return [
    ...["-b", image, "-no-emul-boot", "-boot-load-size", "4", "-boot-info-table", "--grub2-boot-info"],
    ...["--grub2-mbr", join(root, "usr/lib/grub", BIOS.platform, "boot_hybrid.img")],
  ];
}

function copyModules(from: string, to: string): void {
  mkdirSync(to, { recursive: true });
  for (const name of globSync("*.{mod,lst}", { cwd: from })) copyFileSync(join(from, name), join(to, name));
}

interface ImageOptions {
  readonly platform: string;
  readonly format: string;
  readonly modules: readonly string[];
  /** The first GRUB commands of the image. */
  readonly search: string;
  readonly output: string;
}

/** Runs the target's own grub-mkimage in its root, so that the tool and the modules have the same version. */
async function grubImage(root: string, options: ImageOptions, { host }: StepContext): Promise<void> {
  using directory = scratchDirectory(join(root, "tmp"), "grub-");
  const scratch = directory.path;
  const inside = scratch.slice(root.length);
  writeFileSync(join(scratch, "search.cfg"), options.search);
  await host.run(cmd`
    chroot ${root} grub-mkimage --format=${options.format} --prefix=/boot/grub
      --directory=/usr/lib/grub/${options.platform} --config=${inside}/search.cfg
      --output=${inside}/image ${options.modules}
  `);
  copyFileSync(join(scratch, "image"), options.output);
}

/** The FAT image that UEFI firmware boots; its boot file is also in the ISO's own tree, for copying to a stick. */
async function efiImage(
  { target, root, sourceDateEpoch }: IsoInput,
  { platform, search, output, tree }: { platform: string; search: string; output: string; tree: string },
  context: StepContext,
): Promise<void> {
  const name = target.efiBoot ?? "BOOT.EFI";
  const program = join(tree, "EFI/BOOT", name);
  mkdirSync(dirname(program), { recursive: true });
  await grubImage(
    root.path,
    { platform, format: platform, modules: EFI_MODULES, search, output: program },
    context,
  );
  setTimes(dirname(program), sourceDateEpoch);
  const { run } = context.host;
  const env = { SOURCE_DATE_EPOCH: String(sourceDateEpoch), MTOOLS_SKIP_CHECK: "1" };
  await run(cmd`mformat -C -i ${output} -f 2880 -N 0 -v K3OS_EFI ::`, { env });
  await run(cmd`mmd -i ${output} ::/EFI ::/EFI/BOOT`, { env });
  await run(cmd`mcopy -m -i ${output} ${program} ::/EFI/BOOT/${name}`, { env });
}

function setTimes(tree: string, seconds: number): void {
  for (const { path } of walk(tree)) lutimesSync(join(tree, path), seconds, seconds);
  lutimesSync(tree, seconds, seconds);
}
