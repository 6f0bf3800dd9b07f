import { dirname } from "node:path";
import { MIB } from "../../tools/fs/size.ts";
import { FILE } from "../../tools/host/paths.ts";
import { isVersion } from "../../tools/release/version-name.ts";
import { formatBytes } from "../../tools/terminal/progress.ts";
import { CommandError } from "../../tools/text/errors.ts";
import { type AddedEntry, MENU, type RemasterFacts } from "./remaster-facts.ts";
import { changeMenu, type MenuChange } from "./remaster-menu.ts";

/** The changes to a medium. */
export interface RemasterPlan {
  /** The new boot menu; undefined: unchanged. */
  readonly menu: string | undefined;
  readonly config: Buffer | undefined;
  /** Paths to add with everything below them: the same on the medium as in the directory. */
  readonly added: readonly string[];
  /** Approximate bytes of the result. */
  readonly size: number;
}

/** Makes the plan. Throws CommandError for a foreign medium, a menu that cannot be changed, and too little space. */
export function planRemaster(facts: RemasterFacts, change: MenuChange): RemasterPlan {
  const missing = missingFromMedium(facts.paths);
  if (missing !== undefined) throw new CommandError(`The ISO is not a k3OS medium: it has no "${missing}"`);
  const size = facts.size + facts.added.reduce((sum, entry) => sum + entry.size, 0);
  if (facts.free < size + MIB) {
    const [needed, free] = [formatBytes(size), formatBytes(facts.free)];
    throw new CommandError(`Not enough space for the new ISO: needs ${needed}, found ${free}`);
  }
  const changes = change.words.length > 0 || change.startsBy !== undefined;
  return {
    menu: changes ? changeMenu(facts.menu, change) : undefined,
    config: facts.config,
    added: addedPaths(facts.added, facts.paths),
    size,
  };
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
