import { mkdirSync, readFileSync, renameSync, rmSync, statfsSync, statSync } from "node:fs";
import { join } from "node:path";
import { flushDirectory, writeFileAtomic } from "../tools/fs/atomic.ts";
import { checkDigest, sha256File } from "../tools/fs/checksums.ts";
import { copyContent, watchCopies } from "../tools/fs/copy-content.ts";
import { MIB } from "../tools/fs/size.ts";
import type { Host } from "../tools/host/host.ts";
import { deliveredImages, IMAGES, IMAGES_LIST, surplusImages } from "../tools/images/image-set.ts";
import { formatBytes, showProgress } from "../tools/terminal/progress.ts";
import { CommandError, during } from "../tools/text/errors.ts";
import type { CopySettings } from "./copy-settings.ts";

/** The image archives that an upgrade brings, beside its versions. */
export interface ImagesPlan {
  readonly source: string;
  readonly destination: string;
  /** Archives to copy: new ones, and those with other content. */
  readonly files: readonly { readonly name: string; readonly size: number; readonly sha256: string }[];
  /** Archives of the destination that go. */
  readonly old: readonly string[];
}

/**
 * Compares the image archives of two system directories by their lists. They come with k3s. Undefined: the source has
 * none, or the same, and those of the destination stay. Throws CommandError without enough space.
 */
export function planImages(
  { components, source, destination }: Pick<CopySettings, "components" | "source" | "destination">,
  /** Bytes that the versions take. */
  beside = 0,
): ImagesPlan | undefined {
  const offered = components.includes("k3s") ? listedImages(source) : new Map<string, string>();
  if (offered.size === 0) return undefined;
  const present = listedImages(destination);
  const files = [...offered].flatMap(([name, sha256]) => {
    const size = sizeAt(join(source, IMAGES, name));
    if (size === undefined) throw new CommandError(`"${join(source, IMAGES, name)}" is missing`);
    const isPresent = present.get(name) === sha256 && sizeAt(join(destination, IMAGES, name)) === size;
    return isPresent ? [] : [{ name, size, sha256 }];
  });
  const old = [...present.keys()].filter((name) => !offered.has(name));
  if (files.length === 0 && old.length === 0) return undefined;
  const needed = files.reduce((sum, { size }) => sum + size, beside);
  const { bavail, bsize } = statfsSync(destination);
  if (bavail * bsize < needed + 16 * MIB) {
    const [free, wanted] = [formatBytes(bavail * bsize), formatBytes(needed + 16 * MIB)];
    throw new CommandError(
      `"${destination}" has too little free space for the versions and container images: ${free}, ${wanted} are needed`,
    );
  }
  return { source, destination, files, old };
}

/** Only archives in a list have come with a system. */
function listedImages(system: string): Map<string, string> {
  const entries = [...deliveredImages(system)];
  return new Map(entries.flatMap(([name, digest]) => (digest === undefined ? [] : [[name, digest]])));
}

function sizeAt(path: string): number | undefined {
  return statSync(path, { throwIfNoEntry: false })?.size;
}

/**
 * Copies the archives of a plan, each complete and with its digest or not at all, and then the list. The old ones stay
 * until {@link removeOldImages}. Throws CommandError.
 */
export async function copyImages(
  { source, destination, files }: ImagesPlan,
  signal: AbortSignal,
  host: Pick<Host, "log" | "progress">,
): Promise<void> {
  const directory = join(destination, IMAGES);
  mkdirSync(directory, { recursive: true, mode: 0o755 });
  for (const { name, size, sha256 } of files) {
    const title = `Copying the container images in ${name}`;
    host.log.info(`${title} (${formatBytes(size)}) …`);
    const partial = join(directory, `.${name}.partial`);
    using progress = showProgress(title, size, host);
    try {
      await during(title, () =>
        copyContent(join(source, IMAGES, name), partial, watchCopies(progress, signal)),
      );
      checkDigest(join(source, IMAGES, name), await sha256File(partial), sha256);
      flushDirectory(partial);
      renameSync(partial, join(directory, name));
    } catch (error) {
      rmSync(partial, { force: true });
      throw error;
    }
    progress.finish();
  }
  writeFileAtomic(join(directory, IMAGES_LIST), readFileSync(join(source, IMAGES, IMAGES_LIST)), {
    mode: 0o644,
  });
}

/** Removes archives that the list no longer names. Those of the user are in k3s's own directory. */
export function removeOldImages(destination: string): void {
  for (const name of surplusImages(destination)) rmSync(join(destination, IMAGES, name), { recursive: true });
}
