import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { cmd } from "../../tools/host/cmd.ts";
import type { Host } from "../../tools/host/host.ts";
import { CommandError, during, messageOf } from "../../tools/text/errors.ts";
import { ensurePackages } from "./required-packages.ts";

/**
 * Debian packages and sources of any suite and architecture, without touching the machine's own apt:
 *
 *     await using apt = await openAptRoot({ suite: "trixie", arch: "armhf" }, host);
 *     const debs = await apt.download(["nodejs"]);         // with all dependencies
 *     await unpackPackages(debs, directory, host);
 *     const source = await apt.source("musl", directory);  // unpacked, Debian's patches applied
 */
export interface AptRoot extends AsyncDisposable {
  /** Environment that makes apt tools (apt-get, apt-cache, mmdebstrap's hooks …) use this root. */
  readonly env: { readonly APT_CONFIG: string };
  /** The active lines of sources.list: without the updates if the mirror cannot serve them. */
  readonly sources: readonly string[];
  /**
   * Downloads packages and, unless `dependencies` is false, all their dependencies (without recommended packages),
   * verified by apt against the archive's signature. Returns the paths of the .deb files, valid until the root is
   * closed, sorted by name.
   */
  download(packages: readonly string[], options?: { dependencies?: boolean }): Promise<string[]>;
  /** Unpacks a source package below `directory` and returns the path of its tree. */
  source(name: string, directory: string): Promise<string>;
}

export interface AptRootOptions {
  /** A Debian release by code name. Its security and stable updates are included if the mirror has them completely. */
  readonly suite: string;
  /** Debian's name of the architecture: amd64, arm64, armhf. */
  readonly arch: string;
  /** Accept package lists with a valid but expired signature. */
  readonly allowExpired?: boolean;
}

/** The Debian packages that a step needs to open a root, and the variables that it reads. */
export const APT_PACKAGES: readonly string[] = [
  ...["apt", "coreutils", "debian-archive-keyring", "dpkg", "dpkg-dev"],
];
export const APT_VARIABLES: readonly string[] = ["K3OS_DEBIAN_MIRROR", "K3OS_DEBIAN_SECURITY_MIRROR"];

const DEFAULT_MIRROR = "http://deb.debian.org/debian";
const KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg";

/** Debian's mirror as URLs: `K3OS_DEBIAN_MIRROR` and `K3OS_DEBIAN_SECURITY_MIRROR` override them. */
export function debianMirrors(env: Host["env"]): { readonly main: string; readonly security: string } {
  const main = (env.K3OS_DEBIAN_MIRROR || DEFAULT_MIRROR).replace(/\/+$/, "");
  return { main, security: env.K3OS_DEBIAN_SECURITY_MIRROR || `${main}-security` };
}

/** The lines of a `sources.list` for a suite with its security and stable updates; sources too if `withSources`. */
export function sourcesList(
  suite: string,
  env: Host["env"],
  options: { withSources?: boolean } = {},
): string[] {
  const { main, security } = debianMirrors(env);
  const places = [`${main} ${suite}`, `${main} ${suite}-updates`, `${security} ${suite}-security`];
  const types = options.withSources ? ["deb", "deb-src"] : ["deb"];
  return types.flatMap((type) =>
    places.map((place) => `${type} [signed-by=${KEYRING}] ${place} main non-free-firmware`),
  );
}

/**
 * {@link openAptRoot} for the first of several suites that is complete on the mirror. A mirror can be out of sync with
 * its own signed index for days; then a newer suite is used, since unverified packages are never accepted.
 */
export async function openAnyAptRoot(
  [first, ...others]: readonly [AptRootOptions, ...AptRootOptions[]],
  host: Pick<Host, "run" | "log" | "env" | "clock">,
): Promise<AptRoot> {
  try {
    return await openAptRoot(first, host);
  } catch (error) {
    const [next, ...rest] = others;
    if (next === undefined) throw error;
    const [reason] = messageOf(error).split("\n");
    host.log.warn(`${reason}: taking the packages of Debian ${next.suite} instead`);
    return openAnyAptRoot([next, ...rest], host);
  }
}

/** Makes an empty apt root in a temporary directory and downloads the package lists; closing removes it. */
export async function openAptRoot(
  { suite, arch, allowExpired = false }: AptRootOptions,
  host: Pick<Host, "run" | "log" | "env" | "clock">,
): Promise<AptRoot> {
  await ensurePackages(["debian-archive-keyring", "dpkg-dev"], host);
  const directory = mkdtempSync(join(tmpdir(), `k3os-apt-${suite}-${arch}-`));
  for (const path of ["etc/apt.conf.d", "state/lists/partial", "cache/archives/partial"]) {
    mkdirSync(join(directory, path), { recursive: true });
  }
  writeFileSync(join(directory, "status"), "");
  const config = join(directory, "apt.conf");
  const settings = allowExpired ? ['Acquire::Check-Valid-Until "false";'] : [];
  writeFileSync(config, aptConfig(directory, arch, [...settings, ...(await downloadSettings(host))]));

  const env = { APT_CONFIG: config };
  const aptGet: AptGet = (args, options) => host.run(cmd`apt-get --quiet=2 ${args}`, { ...options, env });
  const close = async () => rmSync(directory, { recursive: true, force: true });
  try {
    const sources = await readPackageLists(
      join(directory, "etc/sources.list"),
      { suite, arch },
      aptGet,
      host,
    );
    return {
      env,
      sources,
      download: (packages, options) => download(packages, join(directory, "debs"), options, aptGet),
      source: (name, into) => unpackSource(name, mkdtempSync(join(directory, "source-")), into, host, aptGet),
      [Symbol.asyncDispose]: close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

type AptGet = (
  args: readonly string[],
  options?: { cwd?: string; check?: boolean },
) => ReturnType<Host["run"]>;

/**
 * Mirrors of the updates are sometimes out of sync with their signed index, for the rarer architectures for days; then
 * the release itself, which does not change, is used with the available updates.
 */
async function readPackageLists(
  file: string,
  { suite, arch }: AptRootOptions,
  aptGet: AptGet,
  host: Pick<Host, "log" | "env">,
): Promise<readonly string[]> {
  const update = async (lines: readonly string[], check: boolean) => {
    writeFileSync(file, `${lines.join("\n")}\n`);
    return await aptGet(["update"], { check });
  };
  const all = sourcesList(suite, host.env, { withSources: true });
  if ((await update(all, false)).code === 0) return all;
  let lines = all.filter((line) => line.includes(` ${suite} `));
  await during(`Reading the package lists of Debian ${suite} for ${arch}`, () => update(lines, true));
  for (const name of [`${suite}-security`, `${suite}-updates`]) {
    const more = [...lines, ...all.filter((line) => line.includes(` ${name} `))];
    const { code, stderr } = await update(more, false);
    if (code === 0) {
      lines = more;
      continue;
    }
    const reason = /Failed to fetch.*/.exec(stderr)?.[0] ?? stderr.trim();
    host.log.warn(`Building without ${name} for ${arch}: ${reason}`);
    await update(lines, true);
  }
  return lines;
}

async function download(
  packages: readonly string[],
  directory: string,
  { dependencies = true }: { dependencies?: boolean } = {},
  aptGet: AptGet,
): Promise<string[]> {
  mkdirSync(directory, { recursive: true });
  const into = mkdtempSync(`${directory}/`);
  mkdirSync(join(into, "partial"));
  if (dependencies) {
    await aptGet(["--yes", "--download-only", "-o", `Dir::Cache::archives=${into}`, "install", ...packages]);
  } else {
    await aptGet(["download", ...packages], { cwd: into });
  }
  const debs = readdirSync(into).filter((name) => name.endsWith(".deb"));
  return debs.sort().map((name) => join(into, name));
}

async function unpackSource(
  name: string,
  scratch: string,
  into: string,
  host: Pick<Host, "run">,
  aptGet: AptGet,
): Promise<string> {
  await aptGet(["source", name], { cwd: scratch });
  const tree = readdirSync(scratch, { withFileTypes: true }).find((entry) => entry.isDirectory());
  if (tree === undefined) throw new CommandError(`Source package "${name}" holds no directory`);
  await host.run(cmd`mv ${join(scratch, tree.name)} ${into}`); // may move to another file system
  return join(into, tree.name);
}

/** Unpacks .deb files on top of each other into `directory`, without maintainer scripts. */
export async function unpackPackages(
  debs: readonly string[],
  directory: string,
  host: Pick<Host, "run">,
): Promise<void> {
  mkdirSync(directory, { recursive: true });
  for (const deb of debs) await host.run(cmd`dpkg-deb --extract ${deb} ${directory}`);
}

function aptConfig(directory: string, arch: string, downloadLines: readonly string[]): string {
  return [
    `Dir::Etc "${directory}/etc";`,
    `Dir::Etc::parts "${directory}/etc/apt.conf.d";`,
    `Dir::State "${directory}/state";`,
    `Dir::State::status "${directory}/status";`,
    `Dir::Cache "${directory}/cache";`,
    `APT::Architecture "${arch}";`,
    `APT::Architectures { "${arch}"; };`,
    'APT::Install-Recommends "false";',
    'APT::Sandbox::User "root";', // the directory is private
    'Acquire::Languages "none";',
    'Acquire::Retries "3";',
    ...downloadLines,
    "",
  ].join("\n");
}

/** The machine's proxies and timeouts for downloads, which also apply here. */
async function downloadSettings(host: Pick<Host, "run">): Promise<string[]> {
  const { stdout } = await host.run(cmd`apt-config dump`);
  return stdout.split("\n").filter((line) => /^Acquire::https?::/.test(line));
}
