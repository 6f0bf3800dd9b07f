import {
  chmodSync,
  copyFileSync,
  existsSync,
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
import { basename, dirname, join } from "node:path";
import type { CommandTable } from "../../tools/cli/cli.ts";
import { FILE } from "../../tools/host/paths.ts";
import { hostTarget, type Target } from "../../tools/host/targets.ts";
import { CommandError } from "../../tools/text/errors.ts";
import { openAptRoot } from "../build/apt.ts";
import { type BuildContext, cached } from "../build/context.ts";
import { ensurePackages } from "../build/required-packages.ts";
import { type CommandFiles, commandFiles } from "./command-files.ts";
import { SUITE, userlandPackages } from "./debian-packages.ts";
import { systemAccountFiles, unexpectedAccounts, withLoginUser } from "./image-accounts.ts";
import { LINKS } from "./image-links.ts";
import { nativePerl } from "./native-perl.ts";
import { osRelease } from "./os-release.ts";
import { ownSources } from "./own-sources.ts";
import { makePostponed, POSTPONE_HOOK } from "./postponed-files.ts";
import { rootSquashfs } from "./squashfs.ts";
import { REMOVED_PACKAGES, REMOVED_PATHS, removePackageFiles, removePaths } from "./strip.ts";
import { MASKED_UNITS, REMOVED_GENERATORS, UNIT_ALIASES, UNWANTED_UNITS, WANTED_UNITS } from "./units.ts";
import { filesBelow } from "./walk.ts";

/** What dpkg leaves out while it unpacks, which is faster than removing it afterwards. */
const NOT_UNPACKED = ["man", "doc", "info", "locale", "lintian", "bug", "gtk-doc"].map(
  (name) => `--dpkgopt=path-exclude=/usr/share/${name}/*`,
);

/** Whatever happens to mmdebstrap, its processes and the mounts it makes inside of the root end with it. */
const NAMESPACES = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"];

/**
 * Installs Debian's packages into a directory and returns its path: a whole root file system, as Debian makes it.
 * Needs root. Nothing of it is stripped: the tools to build with (GRUB's) are run out of it.
 */
export async function installUserland(target: Target, context: BuildContext): Promise<string> {
  const packages = userlandPackages(target.arch);
  const inputs = [
    ...ownSources("image-accounts.ts", "postponed-files.ts", "native-perl.ts"),
    SUITE,
    ...NOT_UNPACKED,
    ...packages,
    `${context.sourceDateEpoch}`,
  ];
  const directory = await cached(
    { name: `userland-${target.arch}`, inputs },
    (into) => install(packages, target, into, context),
    context,
  );
  return join(directory, "root");
}

async function install(packages: readonly string[], target: Target, into: string, context: BuildContext) {
  const { host } = context;
  if (process.getuid?.() !== 0) {
    throw new CommandError(
      "Building the userland needs root, since files get owners and programs run in it",
      {
        hint: "run the build as root, or in a container",
      },
    );
  }
  const emulated = target.arch !== hostTarget().arch;
  await ensurePackages(["mmdebstrap", "udev", ...(emulated ? ["qemu-user-static", "arch-test"] : [])], host);
  const perl = emulated ? await nativePerl(host) : undefined;
  const files = systemAccountFiles();
  const hooks = (["passwd", "shadow", "group"] as const).map((name) => {
    writeFileSync(join(into, name), files[name]);
    return `--essential-hook=cat '${join(into, name)}' >> "$1/etc/${name}"`;
  });
  await using apt = await openAptRoot({ suite: SUITE, arch: target.debian }, host);
  const binary = apt.sources.filter((line) => line.startsWith("deb "));
  const root = join(into, "root");
  await host.run(
    [
      ...NAMESPACES,
      ...["mmdebstrap", "--quiet", "--mode=root", "--variant=essential", `--architectures=${target.debian}`],
      ...['--aptopt=APT::Install-Recommends "false"', ...NOT_UNPACKED, ...hooks],
      `--essential-hook=${POSTPONE_HOOK}`,
      ...(perl === undefined ? [] : [`--essential-hook=${perl.hook}`]),
      ...[`--include=${packages.join(",")}`, SUITE, root, ...binary],
    ],
    { env: { SOURCE_DATE_EPOCH: String(context.sourceDateEpoch) } },
  );
  await perl?.remove(root);
  await makePostponed(root, host);
  const read = (name: string) => readFileSync(join(root, "etc", name), "utf8");
  const unexpected = unexpectedAccounts({ passwd: read("passwd"), group: read("group") });
  if (unexpected.length > 0) {
    throw new CommandError(`Packages made accounts whose ids are not fixed: ${unexpected.join(", ")}`, {
      hint: "enter them in lib/make/image/image-accounts.ts",
    });
  }
}

/** The root squashfs as built, and its content unpacked, which is what /usr becomes. */
export interface RootImage {
  readonly squashfs: string;
  readonly tree: string;
  readonly directory: string;
}

/** Turns an installed userland and our overlay into k3os.squashfs, the /usr of the running system. */
export async function buildRootImage(
  root: string,
  target: Target,
  commands: CommandTable,
  context: BuildContext,
): Promise<RootImage> {
  const overlay = join(context.project, "overlay");
  const sources = [
    "image-accounts.ts",
    "applets.ts",
    "image-links.ts",
    "../../tools/node/openrc-units.ts",
    "os-release.ts",
    "../../tools/host/project.ts",
    "squashfs.ts",
    "strip.ts",
    "units.ts",
    "userland.ts",
  ];
  const ofCommands = await commandFiles(commands, context);
  const inputs = [
    ...ownSources(...sources),
    JSON.stringify(ofCommands),
    ...(existsSync(overlay) ? [{ path: overlay }] : []),
    basename(dirname(root)),
    JSON.stringify(target),
    context.version,
    `${context.sourceDateEpoch}`,
  ];
  const directory = await cached(
    { name: `root-image-${target.arch}`, inputs },
    async (into) => {
      await ensurePackages(["squashfs-tools"], context.host);
      const tree = await fold(root, into, { target, ofCommands }, context);
      await rootSquashfs(tree, join(into, FILE.rootSquashfs), target, context);
    },
    context,
  );
  return { squashfs: join(directory, FILE.rootSquashfs), tree: join(directory, "usr"), directory };
}

/** The steps from Debian's root to our /usr, in order. Returns the tree's path. */
async function fold(
  root: string,
  into: string,
  { target, ofCommands }: { readonly target: Target; readonly ofCommands: CommandFiles },
  context: BuildContext,
): Promise<string> {
  const stage = join(into, "stage");
  mkdirSync(stage);
  const copied = ["usr", "etc", "var"].map((name) => join(root, name));
  await context.host.run(["cp", "--archive", "--reflink=auto", ...copied, stage]);
  const manifest = packageManifest(readFileSync(join(root, "var/lib/dpkg/status"), "utf8"));
  removePackageFiles(stage, REMOVED_PACKAGES);
  removePaths(stage, REMOVED_PATHS);
  settleAlternatives(stage);
  writeAccounts(stage);
  selectUnits(stage);
  copyOverlay(join(context.project, "overlay"), stage);

  const usr = join(into, "usr");
  renameSync(join(stage, "usr"), usr);
  renameSync(join(stage, "etc"), join(usr, "etc"));
  mkdirSync(join(usr, "share/k3os"), { recursive: true });
  renameSync(join(stage, "var"), join(usr, "share/k3os/var"));
  rmSync(stage, { recursive: true });
  for (const name of ["lib/modules", "lib/firmware", "src"]) mkdirSync(join(usr, name), { recursive: true });
  writeFileSync(join(usr, "lib/os-release"), osRelease(context.version, target.arch));
  writeFileSync(join(usr, "share/k3os/packages"), manifest);
  for (const [path, text] of Object.entries(ofCommands.files)) {
    mkdirSync(dirname(join(usr, path)), { recursive: true });
    writeFileSync(join(usr, path), text);
  }
  makeLinks(usr, { ...LINKS, ...ofCommands.links });
  return usr;
}

/** Names and versions of the installed packages, one pair a line: what a vulnerability scanner needs to know. */
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

/** Makes the service manager start what our tables say, and only that. */
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

/** The file of a unit: of an instance, that of its template. */
function unitFile(unit: string): string {
  return unit.replace(/@[^.]*\./, "@.");
}

/** Replaces the links of Debian's alternatives system by what they lead to: nobody is going to choose another. */
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

/** Makes symbolic links below a directory, replacing what is there. */
function makeLinks(directory: string, links: Readonly<Record<string, string>>): void {
  for (const [path, target] of Object.entries(links)) {
    const link = join(directory, path);
    mkdirSync(dirname(link), { recursive: true });
    rmSync(link, { recursive: true, force: true });
    symlinkSync(target, link);
  }
}

/** Lays the overlay over the tree, with modes that depend on neither the checkout nor the umask. */
function copyOverlay(overlay: string, stage: string): void {
  for (const path of filesBelow(overlay)) {
    const source = join(overlay, path);
    const destination = join(stage, path);
    mkdirSync(dirname(destination), { recursive: true });
    rmSync(destination, { force: true }); // may be a link, which must not be followed
    copyFileSync(source, destination);
    chmodSync(destination, modeOf(path, statSync(source).mode));
  }
}

/** git keeps only whether a file is executable; sudo refuses files that others can write. */
function modeOf(path: string, mode: number): number {
  if (path.startsWith("etc/sudoers.d/")) return 0o440;
  return mode & 0o100 ? 0o755 : 0o644;
}
