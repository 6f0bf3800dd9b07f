import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fetchConfig } from "../config/read/accept-configuration.ts";
import { writeFileAtomic } from "../tools/fs/atomic.ts";
import { type LinkChange, linkedVersion, setLinks } from "../tools/generation/generation-links.ts";
import { type Part, removeLeftovers } from "../tools/generation/stage.ts";
import { unpackRelease } from "../tools/generation/unpack.ts";
import type { Host } from "../tools/host/host.ts";
import { abortOnSignals } from "../tools/host/interrupt.ts";
import { type Component, PATH } from "../tools/host/paths.ts";
import { type Arch, targetOf } from "../tools/host/targets.ts";
import { maskUrl } from "../tools/http/http.ts";
import { sizeOf } from "../tools/http/http-size.ts";
import {
  chooseTrust,
  digestOf,
  expectedContent,
  type Release,
  readRelease,
} from "../tools/release/read-release.ts";
import { refuseOlder, rememberRelease } from "../tools/release/release-memory.ts";
import { formatBytes, showProgress } from "../tools/terminal/progress.ts";
import { CommandError, formatError } from "../tools/text/errors.ts";
import { findProblems } from "./find-problems.ts";
import { takeNames } from "./init-links.ts";
import { gatherOverlayFacts, type OverlayFacts } from "./overlay-facts.ts";

/** The settings of `k3os overlay apply`. */
export interface OverlaySettings {
  /** Path or URL of `k3os-rootfs-ARCH.tar.gz`. */
  readonly tarball: string;
  /** Absolute path of the root file system. */
  readonly root: string;
  /** Path or URL of the file for `/k3os/system/config.yaml`. */
  readonly config: string | undefined;
  /** minisign public keys to trust besides the built-in ones: paths, or the keys themselves. */
  readonly keys: readonly string[];
  readonly insecure: boolean;
  readonly dryRun: boolean;
  /** Accept a list that is older than the last one of this root. */
  readonly allowDowngrade: boolean;
}

export type OverlayHost = Pick<Host, "log" | "clock" | "env" | "run" | "print" | "progress">;

/** The board's own kernel and modules stay in use: the tarball's would only waste space. */
const WANTED: readonly Component[] = ["k3os", "k3s"];

/**
 * Installs k3OS over a root file system, so that its kernel boots k3OS next time. The tarball is verified, unpacked
 * beside the existing files, and made current; the links in `/sbin` come last, in one step each. Until then the root
 * boots as before. Throws CommandError with all problems before the first write.
 */
export async function applyOverlay(settings: OverlaySettings, host: OverlayHost): Promise<void> {
  const { root } = settings;
  const facts = gatherOverlayFacts(root);
  const { release, name, config } = await preflight(settings, facts, host);
  if (settings.dryRun) return host.print(describe(settings, release, facts));
  const system = join(root, PATH.system);
  const parts = await unpack(settings, { release, name, system }, host);
  setLinks(system, linkChanges(system, parts));
  if (config !== undefined) {
    writeFileAtomic(join(root, PATH.systemConfig), config, { mode: 0o600 });
    host.log.info(`Wrote ${join(root, PATH.systemConfig)}`);
  }
  rememberRelease(system, release, host);
  takeNames(root);
  const versions = parts.map(({ component, version }) => `${component} ${version}`).join(", ");
  host.log.info(`The next boot of "${root}" starts k3OS: ${versions}`);
  host.log.info("To undo this before or after the reboot: k3os overlay remove");
}

interface Checked {
  readonly release: Release;
  /** Base name of the tarball. */
  readonly name: string;
  readonly config: Buffer | undefined;
}

/** All checks that need no download of the tarball; all problems come in one error. */
async function preflight(
  settings: OverlaySettings,
  facts: OverlayFacts,
  host: OverlayHost,
): Promise<Checked> {
  const { tarball, config: configUrl } = settings;
  const { directory, name, arch } = tarballPlace(tarball);
  const complaints: string[] = [];
  async function attempt<T>(check: () => Promise<T>): Promise<T | undefined> {
    try {
      return await check();
    } catch (error) {
      complaints.push(formatError(error).replace(/^Error: /, "")); // with its hint
      return undefined;
    }
  }
  const size = await attempt(() => sizeOf(tarball, { plainRedirects: settings.insecure }, host));
  const { refusals, warnings } = findProblems({ arch, size }, facts);
  complaints.push(...refusals);
  const release = await attempt(async () => {
    const trust = chooseTrust(settings, host);
    const found = await readRelease(directory, { arch, trust }, host);
    if (found.signed) digestOf(found, name);
    refuseOlder(join(settings.root, PATH.system), found, settings, host);
    return found;
  });
  const config = configUrl === undefined ? undefined : await attempt(() => fetchConfig(configUrl, host));
  if (release === undefined || complaints.length > 0) throw cannotApply(complaints);
  for (const warning of warnings) host.log.warn(warning);
  return { release, name, config };
}

function cannotApply(complaints: readonly string[]): CommandError {
  const [only = ""] = complaints;
  if (complaints.length === 1) return new CommandError(only);
  return new CommandError(["Cannot apply the overlay:", ...complaints].join("\n").replaceAll("\n", "\n  "));
}

/**
 * Splits the location of the tarball: the directory of its release, and its name, which contains the architecture and
 * is the key in the release's list. The query of a URL stays with the directory. Throws CommandError.
 */
export function tarballPlace(tarball: string): {
  readonly directory: string;
  readonly name: string;
  readonly arch: Arch;
} {
  const [, directory = "", name = "", arch, query = ""] =
    /^(.*)\/(k3os-rootfs-(\w+)\.tar\.gz)([?#].*)?$/.exec(tarball) ?? [];
  if (arch !== undefined) return { directory: `${directory}${query}`, name, arch: targetOf(arch).arch };
  throw new CommandError(`"${maskUrl(tarball)}" is not called k3os-rootfs-ARCH.tar.gz`);
}

function describe(
  { tarball, root, config }: OverlaySettings,
  release: Release,
  facts: Pick<OverlayFacts, "free">,
): string {
  const free = formatBytes(facts.free);
  const lines = [
    `Lay k3OS ${release.version ?? "of unknown version"} for ${release.arch} over "${root}" (${free} free)`,
    `from ${maskUrl(tarball)}${release.signed ? "" : ", which is not signed"}`,
    `Configuration: ${config === undefined ? "as it is" : maskUrl(config)}`,
    "The old /sbin/init stays as /sbin/init.before-k3os",
  ];
  return `${lines.join("\n")}\n`;
}

async function unpack(
  { tarball }: OverlaySettings,
  { release, name, system }: Omit<Checked, "config"> & { readonly system: string },
  host: OverlayHost,
): Promise<readonly Part[]> {
  using interruption = abortOnSignals();
  using made = makeDirectory(join(system, "k3os"));
  await removeLeftovers(system);
  using progress = showProgress(`Unpacking ${name}`, undefined, host);
  const parts = await unpackRelease(
    tarball,
    {
      system,
      components: WANTED,
      ...expectedContent(release, name),
      version: release.version,
      elfMachine: targetOf(release.arch).elfMachine,
      signal: interruption.signal,
      onProgress: (done, total) => progress.update(done, total),
    },
    host,
  );
  progress.finish();
  made.keep();
  return parts;
}

/** Creates a directory and its parents; created ones are removed at the end of the scope, unless they are kept. */
function makeDirectory(path: string): Disposable & { keep(): void } {
  const first = mkdirSync(path, { recursive: true });
  let kept = first === undefined;
  return {
    keep: () => {
      kept = true;
    },
    [Symbol.dispose]: () => {
      if (!kept && first !== undefined) rmSync(first, { recursive: true });
    },
  };
}

/** When an overlay is applied again, a rollback leads to the versions that were current before. */
function linkChanges(system: string, parts: readonly Part[]): LinkChange[] {
  return parts.flatMap(({ component, version }): LinkChange[] => {
    const before = linkedVersion(system, component, "current");
    const previous = before === undefined || before === version ? [] : [before];
    return [
      ...previous.map((name): LinkChange => ({ component, name: "previous", version: name })),
      { component, name: "current", version },
    ];
  });
}
