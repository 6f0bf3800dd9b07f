import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { filesBelow } from "../../tools/fs/walk.ts";
import { cmd } from "../../tools/host/cmd.ts";
import type { Target } from "../../tools/host/targets.ts";
import { type Made, partOf, type Step, type StepContext } from "../build/build-step.ts";
import type { BuildContext } from "../build/context.ts";
import { withLoginUser } from "./image-accounts.ts";
import { LINKS, serviceLinks } from "./image-links.ts";
import { emptySlot, type Slot, slotOptions } from "./slots.ts";
import { makeSquashfs } from "./squashfs.ts";
import { REMOVED_PACKAGES, REMOVED_PATHS, removePackageFiles, removePaths } from "./strip.ts";
import { MASKED_UNITS, REMOVED_GENERATORS, UNIT_ALIASES, UNWANTED_UNITS, WANTED_UNITS } from "./units.ts";

const OVERLAY = "overlay";
const SQUASHFS = "k3os.squashfs";

/**
 * Only the kernel reads k3os.squashfs. Ours supports zstd, several times faster than xz: 81 MB instead of 74 MB, and
 * level 19 would save 0.6 MB for twice the time. A board's own kernel may only support zlib, the only default
 * compression of squashfs; Raspberry Pi's bcm2711_defconfig of 2020 has no zstd.
 */
const COMPRESSION = {
  own: ["-comp", "zstd", "-Xcompression-level", "15", "-b", "256K"],
  boards: ["-comp", "gzip", "-b", "256K"],
} as const;

export interface RootBaseInput extends Pick<Target, "arch" | "boards"> {
  /** An installed userland. */
  readonly root: Made;
  /** Slots for the texts of the image that change often. */
  readonly slots: readonly Slot[];
  /** Links to commands, path below /usr → target. */
  readonly links: Readonly<Record<string, string>>;
  /** Names of the original's services that still manage them. */
  readonly services: readonly string[];
  readonly sourceDateEpoch: number;
}

const rootBaseStep: Step<RootBaseInput> = {
  module: import.meta.filename,
  files: [OVERLAY],
  packages: () => ["coreutils", "squashfs-tools"],
  shared: true,
  make: async (input, into, context) => {
    const tree = await fold(input, into, context);
    const compression = input.boards ? COMPRESSION.boards : COMPRESSION.own;
    const options = [...compression, ...slotOptions(input.slots)];
    await makeSquashfs(tree, join(into, SQUASHFS), options, input.sourceDateEpoch, context);
    rmSync(tree, { recursive: true });
  },
};

/**
 * Makes a squashfs from an installed userland and our overlay: the /usr of the running system, except for the texts of
 * its slots.
 */
export async function buildRootBase(
  input: RootBaseInput,
  { make }: Pick<BuildContext, "make">,
): Promise<Made> {
  return partOf(await make(rootBaseStep, { name: `root-base-${input.arch}`, input }), SQUASHFS);
}

/** The steps from Debian's root to our /usr, in order. Returns the tree's path. */
async function fold(
  { root: { path: root }, slots, links, services }: RootBaseInput,
  into: string,
  { host, source }: StepContext,
): Promise<string> {
  const stage = join(into, "stage");
  mkdirSync(stage);
  const copied = ["usr", "etc", "var"].map((name) => join(root, name));
  await host.run(cmd`cp --archive --reflink=auto ${copied} ${stage}`);
  const manifest = packageManifest(readFileSync(join(root, "var/lib/dpkg/status"), "utf8"));
  removePackageFiles(stage, REMOVED_PACKAGES);
  removePaths(stage, REMOVED_PATHS);
  settleAlternatives(stage);
  writeAccounts(stage);
  selectUnits(stage);
  copyOverlay(source(OVERLAY), stage);

  const usr = join(into, "usr");
  renameSync(join(stage, "usr"), usr);
  renameSync(join(stage, "etc"), join(usr, "etc"));
  mkdirSync(join(usr, "share/k3os"), { recursive: true });
  renameSync(join(stage, "var"), join(usr, "share/k3os/var"));
  rmSync(stage, { recursive: true });
  for (const name of ["lib/modules", "lib/firmware", "src"]) mkdirSync(join(usr, name), { recursive: true });
  writeFileSync(join(usr, "share/k3os/packages"), manifest);
  for (const slot of slots) {
    mkdirSync(dirname(join(usr, slot.path)), { recursive: true });
    writeFileSync(join(usr, slot.path), emptySlot(slot));
  }
  makeLinks(usr, { ...LINKS, ...serviceLinks(services), ...links });
  return usr;
}

/** Names and versions of the installed packages, one pair per line, for vulnerability scanners. */
export function packageManifest(dpkgStatus: string): string {
  return dpkgStatus
    .split("\n\n")
    .flatMap((stanza) => {
      const name = /^Package: (.+)$/m.exec(stanza)?.[1];
      const version = /^Version: (.+)$/m.exec(stanza)?.[1];
      return name === undefined ? [] : [`${name} ${version}\n`];
    })
    .sort()
    .join("");
}

function writeAccounts(stage: string): void {
  const read = (name: string) => readFileSync(join(stage, "etc", name), "utf8");
  const files = {
    passwd: read("passwd"),
    shadow: read("shadow"),
    group: read("group"),
    gshadow: read("gshadow"),
  };
  for (const [name, text] of Object.entries(withLoginUser(files))) {
    writeFileSync(join(stage, "etc", name), text); // keeps owner and mode
  }
}

/** Enables exactly the units of our tables. */
function selectUnits(stage: string): void {
  const units = join(stage, "usr/lib/systemd/system");
  for (const path of UNWANTED_UNITS) rmSync(join(units, path));
  for (const name of REMOVED_GENERATORS) rmSync(join(stage, "usr/lib/systemd/system-generators", name));
  for (const [target, wanted] of Object.entries(WANTED_UNITS)) {
    const links = Object.fromEntries(
      wanted.map((unit) => [`${target}.wants/${unit}`, `../${unitFile(unit)}`]),
    );
    makeLinks(units, links);
  }
  makeLinks(units, UNIT_ALIASES);
  makeLinks(units, Object.fromEntries(MASKED_UNITS.map((unit) => [unit, "/dev/null"])));
}

/** The file of a unit; for an instance, the file of its template. */
function unitFile(unit: string): string {
  return unit.replace(/@[^.]*\./, "@.");
}

/** Replaces the links of Debian's alternatives system with their targets: the image never changes them. */
function settleAlternatives(stage: string): void {
  const alternatives = "/etc/alternatives/";
  for (const directory of ["usr/bin", "usr/sbin", "usr/lib", "etc"].map((name) => join(stage, name))) {
    for (const entry of readdirSync(directory, { withFileTypes: true })) {
      const link = join(directory, entry.name);
      if (!entry.isSymbolicLink() || !readlinkSync(link).startsWith(alternatives)) continue;
      const target = readlinkSync(join(stage, readlinkSync(link)));
      rmSync(link);
      symlinkSync(target, link);
    }
  }
  rmSync(join(stage, alternatives), { recursive: true });
}

/** Makes symbolic links below a directory, and replaces existing files. */
function makeLinks(directory: string, links: Readonly<Record<string, string>>): void {
  for (const [path, target] of Object.entries(links)) {
    const link = join(directory, path);
    mkdirSync(dirname(link), { recursive: true });
    rmSync(link, { recursive: true, force: true });
    symlinkSync(target, link);
  }
}

/** Copies the overlay over the tree, with modes that depend on neither the checkout nor the umask. */
function copyOverlay(overlay: string, stage: string): void {
  for (const path of filesBelow(overlay)) {
    const file = join(overlay, path);
    const destination = join(stage, path);
    mkdirSync(dirname(destination), { recursive: true });
    rmSync(destination, { force: true }); // may be a link, which must not be followed
    copyFileSync(file, destination);
    chmodSync(destination, modeOf(path, statSync(file).mode));
  }
}

/** git only stores whether a file is executable; sudo refuses files that others can write. */
function modeOf(path: string, mode: number): number {
  if (path.startsWith("etc/sudoers.d/")) return 0o440;
  return mode & 0o100 ? 0o755 : 0o644;
}
