import { dirname } from "node:path";
import { parseChecksums } from "../../tools/fs/checksums.ts";
import { MIB } from "../../tools/fs/size.ts";
import { FILE } from "../../tools/host/paths.ts";
import { isVersion } from "../../tools/release/version-name.ts";
import { formatBytes } from "../../tools/terminal/progress.ts";
import { CommandError } from "../../tools/text/errors.ts";
import { type AddedEntry, MEDIUM_IMAGES, MENU, type RemasterFacts } from "./remaster-facts.ts";
import { changeMenu, type MenuChange } from "./remaster-menu.ts";

/** The changes to a medium. */
export interface RemasterPlan {
  /** The new boot menu; undefined: unchanged. */
  readonly menu: string | undefined;
  readonly config: Buffer | undefined;
  /** Image archives to add: path of the file, path on the medium. */
  readonly images: readonly (readonly [from: string, to: string])[];
  /** Lines of the list for the image archives that the medium has and that stay. */
  readonly keptImages: string;
  /** Paths to add with everything below them: the same on the medium as in the directory. */
  readonly added: readonly string[];
  /** Approximate bytes of the result. */
  readonly size: number;
}

/** Makes the plan. Throws CommandError for a foreign medium, a menu that cannot be changed, and too little space. */
export function planRemaster(facts: RemasterFacts, change: MenuChange): RemasterPlan {
  const missing = missingFromMedium(facts.paths);
  if (missing !== undefined) throw new CommandError(`The ISO is not a k3OS medium: it has no "${missing}"`);
  const { archives } = facts.images;
  const sizes = [...facts.added, ...archives].map((entry) => entry.size);
  const size = sizes.reduce((sum, bytes) => sum + bytes, facts.size);
  const stray = facts.added.find(({ path }) => path.startsWith(`${MEDIUM_IMAGES}/`));
  if (stray !== undefined) {
    throw new CommandError(
      `Found "${stray.path}" in the directory to add: it would not be in the list there`,
      {
        hint: "add archives of container images with --images",
      },
    );
  }
  if (facts.free < size + MIB) {
    const [needed, free] = [formatBytes(size), formatBytes(facts.free)];
    throw new CommandError(`Not enough space for the new ISO: needs ${needed}, found ${free}`);
  }
  const changes = change.words.length > 0 || change.startsBy !== undefined;
  return {
    menu: changes ? changeMenu(facts.menu, change) : undefined,
    config: facts.config,
    images: archives.map(({ path, name }) => [path, `${MEDIUM_IMAGES}/${name}`] as const),
    keptImages: keptLines(facts),
    added: addedPaths(facts.added, facts.paths),
    size,
  };
}

/** The lines of the medium's list for archives that are not replaced. */
function keptLines({ imagesList, images }: Pick<RemasterFacts, "imagesList" | "images">): string {
  const names = new Set(images.archives.map(({ name }) => name));
  const kept = [...(imagesList.trim() === "" ? [] : parseChecksums(imagesList))];
  return kept.flatMap(([name, digest]) => (names.has(name) ? [] : [`${digest}  ${name}\n`])).join("");
}

/** The files that a medium needs for boot and installation, and their names in messages. */
const REQUIRED: readonly (readonly [string, RegExp])[] = [
  [MENU, new RegExp(`^${MENU}$`)],
  ...["k3os", "kernel"].map((part): [string, RegExp] => {
    const link = `k3os/system/${part}/current`;
    return [link, new RegExp(`^${link}$`)];
  }),
  ...[
    ["k3os", FILE.executable],
    ["k3os", FILE.rootSquashfs],
    ["kernel", FILE.kernelSquashfs],
    ["kernel", FILE.initrd],
  ].map(([part, file]): [string, RegExp] => {
    return [`k3os/system/${part}/VERSION/${file}`, new RegExp(`^k3os/system/${part}/([^/]+)/${file}$`)];
  }),
];

/** The required part of a medium that a list of paths lacks. */
export function missingFromMedium(paths: readonly string[]): string | undefined {
  return REQUIRED.find(([, pattern]) => !paths.some((path) => isPlace(path, pattern)))?.[0];
}

function isPlace(path: string, pattern: RegExp): boolean {
  const [found, version] = pattern.exec(path) ?? [];
  return found !== undefined && (version === undefined || isVersion(version));
}

/**
 * The added paths to copy with everything below them. An existing directory of the medium is not among them, so that it
 * keeps its owner and permissions; its entries are checked one by one.
 */
export function addedPaths(added: readonly AddedEntry[], paths: readonly string[]): string[] {
  const known = new Set(paths);
  const handedOver = added.filter(({ path, kind }) => kind !== "directory" || !known.has(path));
  const whole = new Set(handedOver.flatMap(({ path, kind }) => (kind === "directory" ? [path] : [])));
  const isWithin = (path: string): boolean => {
    const parent = dirname(path);
    return parent !== "." && (whole.has(parent) || isWithin(parent));
  };
  return handedOver.flatMap(({ path }) => (isWithin(path) ? [] : [path]));
}
