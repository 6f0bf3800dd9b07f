import type { Target } from "../../tools/host/targets.ts";
import type { BuildContext } from "../build/context.ts";

/**
 * kernel.squashfs: xz, since GRUB reads the kernel out of it and knows xz but not zstd. The kernel image and the
 * modules are compressed in themselves, so they are stored as they are, which GRUB and modprobe read faster.
 * https://git.savannah.gnu.org/cgit/grub.git/tree/grub-core/fs/squash4.c
 */
export async function kernelSquashfs(
  tree: string,
  file: string,
  context: Pick<BuildContext, "host" | "sourceDateEpoch">,
): Promise<void> {
  const stored = (name: string) => ["-action", `uncompressed@name(${name})`];
  await makeSquashfs(
    tree,
    file,
    ["-comp", "xz", "-b", "256K", ...stored("vmlinuz"), ...stored("*.ko.xz")],
    context,
  );
}

/**
 * k3os.squashfs is read by the kernel only. Ours reads zstd, several times faster than xz: 81 MB where xz makes 74 MB, and
 * level 19 would save 0.6 MB for twice the time. A board's own kernel may read nothing but zlib, the only compression that
 * squashfs has by default; Raspberry Pi's bcm2711_defconfig of 2020 has no zstd.
 */
export async function rootSquashfs(
  tree: string,
  file: string,
  { boards }: Pick<Target, "boards">,
  context: Pick<BuildContext, "host" | "sourceDateEpoch">,
): Promise<void> {
  const options = boards
    ? ["-comp", "gzip", "-b", "256K"]
    : ["-comp", "zstd", "-Xcompression-level", "15", "-b", "256K"];
  await makeSquashfs(tree, file, options, context);
}

/** The drivers in the initrd: read once and in part, so that only the size counts. */
export async function imageOfDrivers(
  tree: string,
  file: string,
  context: Pick<BuildContext, "host" | "sourceDateEpoch">,
): Promise<void> {
  await makeSquashfs(tree, file, ["-comp", "xz", "-b", "1M"], context);
}

/** mksquashfs so that the same tree gives the same bytes; extended attributes (file capabilities) are kept. */
async function makeSquashfs(
  tree: string,
  file: string,
  options: readonly string[],
  { host, sourceDateEpoch }: Pick<BuildContext, "host" | "sourceDateEpoch">,
): Promise<void> {
  const time = String(sourceDateEpoch);
  const fixed = ["-mkfs-time", time, "-all-time", time, "-noappend", "-no-progress", "-quiet"];
  // mksquashfs refuses time options when the variable is set as well
  await host.run(["env", "--unset=SOURCE_DATE_EPOCH", "mksquashfs", tree, file, ...fixed, ...options]);
}
