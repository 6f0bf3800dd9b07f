import { cmd } from "../../tools/host/cmd.ts";
import type { Host } from "../../tools/host/host.ts";

/**
 * Runs mksquashfs so that the same tree results in the same bytes: all times are `time` (seconds since the epoch).
 * Extended attributes (file capabilities) are kept. Needs the packages coreutils and squashfs-tools.
 */
export async function makeSquashfs(
  tree: string,
  file: string,
  compression: readonly string[],
  time: number,
  { host }: { readonly host: Pick<Host, "run"> },
): Promise<void> {
  const fixed = ["-mkfs-time", `${time}`, "-all-time", `${time}`, "-noappend", "-no-progress", "-quiet"];
  // mksquashfs refuses time options if the variable is also set
  await host.run(cmd`env --unset=SOURCE_DATE_EPOCH mksquashfs ${tree} ${file} ${fixed} ${compression}`);
}
