import { existsSync, readdirSync, statSync } from "node:fs";
import { basename, join } from "node:path";
import { checkDigest, checksumFile, parseChecksums, sha256File } from "../fs/checksums.ts";
import { readTextIfThere } from "../fs/read-bounded.ts";
import { CommandError, during } from "../text/errors.ts";
import { type ImageArchive, inspectArchive, isArchiveName } from "./image-archive.ts";

/** The directory of the image archives that come with a system, below `/k3os/system`. */
export const IMAGES = "images";
/** Their digests, in this directory, as sha256sum(1) writes and checks them: the record of what was delivered. */
export const IMAGES_LIST = "sha256sum.txt";

/** Bytes of a list: a thousand archives. */
const MAX_LIST = 1 << 18;

/** Archives to deliver, and what may go wrong with them. */
export interface ImageSet {
  readonly archives: readonly ImageArchive[];
  readonly warnings: readonly string[];
}

/** Inspects the archives at these paths. Throws CommandError if one is none, or two have the same name. */
export async function imageSet(paths: readonly string[]): Promise<ImageSet> {
  const names = paths.map((path) => basename(path));
  const twice = names.find((name, at) => names.indexOf(name) !== at);
  if (twice !== undefined)
    throw new CommandError(`Found two archives with the name "${twice}", expected one`);
  const archives: ImageArchive[] = [];
  for (const path of paths) archives.push(await inspectArchive(path));
  return { archives, warnings: imageWarnings(archives) };
}

/** Images that k3s may not import: one with several names, and a name that two images have. */
function imageWarnings(archives: readonly ImageArchive[]): string[] {
  const owners = new Map<string, string[]>();
  for (const { name, images } of archives) {
    for (const image of new Set(images.flat())) owners.set(image, [...(owners.get(image) ?? []), name]);
  }
  const several = archives.flatMap(({ name, images }) =>
    images.flatMap((names) =>
      names.length < 2
        ? []
        : [
            `An image in "${name}" has several names, and k3s may refuse the archive: ${names.join(", ")}. Save each name to an archive of its own`,
          ],
    ),
  );
  const unnamed = archives.flatMap(({ name, images }) =>
    images.some((names) => names.length === 0)
      ? [`An image in "${name}" has no name: no pod can refer to it`]
      : [],
  );
  const repeated = [...owners].flatMap(([image, names]) =>
    names.length < 2
      ? []
      : [`The image "${image}" is in several archives: ${names.join(", ")}. One of them counts`],
  );
  return [...several, ...unnamed, ...repeated];
}

/** The text of {@link IMAGES_LIST} for archives. */
export async function imagesList(archives: readonly Pick<ImageArchive, "path">[]): Promise<string> {
  return await checksumFile(archives.map(({ path }) => path));
}

/** The archives of a system and their digests: by its list, else all that are there, without digests. */
export function deliveredImages(system: string): ReadonlyMap<string, string | undefined> {
  const directory = join(system, IMAGES);
  const path = join(directory, IMAGES_LIST);
  const text = readTextIfThere(path, { maxBytes: MAX_LIST });
  if (text !== undefined && text.trim() !== "") {
    const listed = parseChecksums(text);
    const odd = [...listed.keys()].find((name) => !isArchiveName(name));
    if (odd === undefined) return listed;
    throw new CommandError(`"${path}" lists "${odd}", which is not an archive of container images`);
  }
  const names = existsSync(directory) ? readdirSync(directory).filter(isArchiveName).sort() : [];
  return new Map(names.map((name) => [name, undefined]));
}

/** Compares the archives of a system with its list. Throws CommandError for the first that is missing or different. */
export async function verifyImages(system: string): Promise<void> {
  for (const [name, digest] of deliveredImages(system)) {
    const path = join(system, IMAGES, name);
    if (!statSync(path, { throwIfNoEntry: false })?.isFile()) {
      throw new CommandError(`The image archive "${path}" is missing`);
    }
    await during(`Checking the image archive "${name}"`, async () => {
      if (digest !== undefined) checkDigest(path, await sha256File(path), digest);
    });
  }
}

/** The archives in a system's directory that its list does not name. */
export function surplusImages(system: string): string[] {
  const directory = join(system, IMAGES);
  if (!existsSync(join(directory, IMAGES_LIST))) return [];
  const delivered = deliveredImages(system);
  return readdirSync(directory).filter((name) => name !== IMAGES_LIST && !delivered.has(name));
}
