import { statSync } from "node:fs";
import { join } from "node:path";
import { elfMachine } from "../tools/fs/elf-machine.ts";
import { type GenerationFacts, readGenerations, warnOfDamage } from "../tools/generation/generation-facts.ts";
import { readLinks } from "../tools/generation/generation-links.ts";
import { lockUpgrade } from "../tools/generation/generation-lock.ts";
import { type Part, removeLeftovers } from "../tools/generation/stage.ts";
import { triedVersion } from "../tools/generation/tried-version.ts";
import { unpackRelease } from "../tools/generation/unpack.ts";
import type { Host } from "../tools/host/host.ts";
import { abortOnSignals } from "../tools/host/interrupt.ts";
import { type Component, FILE } from "../tools/host/paths.ts";
import { shutDown } from "../tools/host/power.ts";
import { hostTarget, targetOf } from "../tools/host/targets.ts";
import { maskUrl } from "../tools/http/http.ts";
import { sizeOf } from "../tools/http/http-size.ts";
import { checkK3s } from "../tools/release/k3s-program.ts";
import {
  chooseTrust,
  digestOf,
  expectedContent,
  type Release,
  releaseFile,
} from "../tools/release/read-release.ts";
import { refuseOlder, rememberRelease } from "../tools/release/release-memory.ts";
import { compareVersions } from "../tools/release/version-order.ts";
import { formatBytes, showProgress } from "../tools/terminal/progress.ts";
import { CommandError, messageOf } from "../tools/text/errors.ts";
import { checkOrder } from "./check-order.ts";
import { chooseStep } from "./choose-step.ts";
import { fetchVersions } from "./fetch-files.ts";
import { type FoundRelease, findRelease } from "./find-release.ts";
import { kernelVersion, kernelVersionFile } from "./kernel-files.ts";
import { bootsForeignKernel } from "./own-kernel.ts";
import { describePlan, fileNames, planVersions, rootfsVersions } from "./plan-versions.ts";
import { switchGeneration } from "./switch.ts";
import { refuseSwitch } from "./switch-plan.ts";
import type { ReleaseUpgradeSettings } from "./upgrade-settings.ts";
import { withinWindows } from "./upgrade-window.ts";
import { writable } from "./writable.ts";

type UpgradeHost = Pick<Host, "log" | "clock" | "env" | "run" | "print" | "progress">;

/** The components that an upgrade takes from the tarball; {@link upgradeKernel} handles the kernel. */
const ROOTFS: readonly Component[] = ["k3os", "k3s"];

/**
 * Upgrades k3OS and k3s to the release of {@link findRelease}: its tarball is downloaded, verified and made current.
 * Throws CommandError; the system is unchanged then.
 */
export async function upgradeRootfs(settings: ReleaseUpgradeSettings, host: UpgradeHost): Promise<void> {
  const { system } = settings;
  using _lock = prepare(settings, host);
  const found = await findStep("k3os", settings, host);
  const { release } = found;
  const name = `k3os-rootfs-${release.arch}.tar.gz`;
  const parts = rootfsVersions(found);
  const files = parts === undefined ? [name] : fileNames(parts, release);
  const change: Change = { ...found, component: "k3os", to: found.version, files, parts };
  if (!(await isWanted(change, settings, host))) return;
  host.print(`Upgrading k3os to ${found.version}\n`);
  if (parts !== undefined) return await applyParts(change, parts, settings, host);
  await apply(settings, release, host, async (signal) => {
    using progress = showProgress(`Downloading ${name}`, undefined, host);
    const onProgress = (done: number, total?: number) => progress.update(done, total);
    const unpacked = await unpackRelease(
      releaseFile(found.directory, name),
      {
        system,
        components: ROOTFS,
        ...expectedContent(release, name),
        version: release.version,
        elfMachine: targetOf(release.arch).elfMachine,
        signal,
        limitRate: settings.limitRate,
        onProgress,
        check: (stages) => checkStages(stages, settings, host),
      },
      host,
    );
    progress.finish();
    return unpacked;
  });
}

/** Upgrades to versions of which the release lists every file. */
async function applyParts(
  { directory, release }: FoundRelease,
  parts: readonly Part[],
  settings: ReleaseUpgradeSettings,
  host: UpgradeHost,
): Promise<void> {
  const { system, limitRate } = settings;
  await apply(settings, release, host, async (signal) => {
    const check = (stages: readonly StagedPart[]) => checkStages(stages, settings, host);
    const versions = await planVersions(parts, release, system);
    return await fetchVersions(versions, { system, directory, release, signal, limitRate, check }, host);
  });
}

type StagedPart = Part & { readonly path: string };

/** Refuses a k3OS for other machines, a k3s that does not run here, or whose turn it is not, while nothing of the release has its name yet. */
async function checkStages(
  stages: readonly StagedPart[],
  { system, allowSkew }: ReleaseUpgradeSettings,
  host: UpgradeHost,
): Promise<void> {
  for (const { component, version, path } of stages) {
    if (component === "k3os" && elfMachine(join(path, FILE.executable)) !== hostTarget().elfMachine) {
      throw new CommandError(`The k3os ${version} of the release is for machines of another architecture`);
    }
    if (component !== "k3s" || version === readLinks(system).k3s.current) continue;
    await checkK3s(join(path, FILE.k3s), version, hostTarget(), host);
    await checkOrder(system, [{ component, version }], { allowSkew }, host);
  }
}

/**
 * Upgrades the kernel to that of the release of {@link findRelease}. On a system without its own kernel it only logs a
 * warning. Throws CommandError; the system is unchanged then.
 */
export async function upgradeKernel(settings: ReleaseUpgradeSettings, host: UpgradeHost): Promise<void> {
  const { system } = settings;
  using _lock = prepare(settings, host);
  const reason = withoutKernel(system);
  if (reason !== undefined) return host.log.warn(reason);
  const found = await findStep("kernel", settings, host);
  const version = await kernelVersion(found, host);
  const parts: readonly Part[] = [{ component: "kernel", version }];
  const change: Change = {
    ...found,
    component: "kernel",
    to: version,
    files: fileNames(parts, found.release),
    parts,
  };
  if (!(await isWanted(change, settings, host))) return;
  host.print(`Upgrading k3os kernel to ${version}\n`);
  await applyParts(change, parts, settings, host);
}

/** The original's wording, for users who search for it. */
function withoutKernel(system: string): string | undefined {
  if (bootsForeignKernel(system)) {
    return "This system seems to be using a custom kernel, no kernel updates available.";
  }
  if (hostTarget().kernel !== undefined) return undefined;
  return "k3os for 32-bit ARM architecture only provides rootfs, no kernel updates available.";
}

/** Reports components of different releases after a partial upgrade: they were not tested together. */
async function tellMixture(
  { component, directory, release, version }: Change,
  system: string,
  { links }: Pick<GenerationFacts, "links">,
  host: UpgradeHost,
): Promise<void> {
  const kernelFile = kernelVersionFile(release.arch);
  if (component === "kernel") {
    const k3os = links.k3os.current;
    if (k3os === undefined || k3os === version) return;
    host.log.warn(
      `This kernel is that of ${version}, and k3OS is ${k3os}: ` +
        `k3os-upgrade-rootfs brings the same release, K3OS_VERSION=${k3os} the kernel that k3OS has`,
    );
  } else if (withoutKernel(system) === undefined && release.files.has(kernelFile)) {
    const kernel = links.kernel.current;
    const matching = await kernelVersion({ directory, release }, host).catch((error: unknown) => {
      host.log.warn(`Cannot tell which kernel belongs to ${version}: ${messageOf(error)}`);
    });
    if (kernel === undefined || matching === undefined || kernel === matching) return;
    host.log.warn(
      `The kernel stays ${kernel}, and ${version} has ${matching}: k3os-upgrade-kernel brings it`,
    );
  }
}

/** Throws CommandError if an upgrade is impossible, OrderError outside of its windows. */
function prepare(
  { system, lockFile, windows, dryRun }: ReleaseUpgradeSettings,
  host: UpgradeHost,
): Disposable {
  if (!dryRun) withinWindows(windows, host)[Symbol.dispose]();
  if (!statSync(system, { throwIfNoEntry: false })?.isDirectory()) {
    throw new CommandError(`This is not a k3OS system: there is no directory "${system}"`);
  }
  return lockUpgrade(lockFile);
}

async function find(settings: ReleaseUpgradeSettings, host: UpgradeHost): Promise<FoundRelease> {
  const found = await findRelease({ arch: hostTarget().arch, trust: chooseTrust(settings, host) }, host);
  refuseOlder(settings.system, found.release, settings, host);
  return found;
}

/**
 * {@link find}, of a release that this node may take now: without a requested version, one on the way to the latest. The
 * kernel is that of the same release, so that k3OS and kernel stay together. Throws OrderError for a requested k3OS that
 * must wait.
 */
async function findStep(
  component: "k3os" | "kernel",
  settings: ReleaseUpgradeSettings,
  host: UpgradeHost,
): Promise<FoundRelease> {
  const { system, allowSkew } = settings;
  const latest = await find(settings, host);
  const declared = latest.release.k3s;
  if (host.env.K3OS_VERSION || allowSkew) {
    // before anything is downloaded; the k3s itself is checked when it is there
    const brings = component === "k3os" ? declared : undefined;
    const parts = brings === undefined ? [] : [{ component: "k3s", version: brings.version } as const];
    await checkOrder(system, parts, { allowSkew, comesFrom: declared?.from }, host);
    return latest;
  }
  const query = { arch: hostTarget().arch, trust: chooseTrust(settings, host) };
  const current = triedVersion(system, "k3os");
  const { found, more } = await chooseStep(latest, { ...query, system, current }, host);
  if (!more) return latest;
  refuseOlder(system, found.release, settings, host);
  host.print(
    `The latest release is ${latest.version} with k3s ${declared?.version}. This node goes through ${found.version} ` +
      `with k3s ${found.release.k3s?.version} first: upgrade again when that is healthy\n`,
  );
  return found;
}

/** A new version of a component, and its release files. */
interface Change extends FoundRelease {
  readonly component: Component;
  readonly to: string;
  readonly files: readonly string[];
  /** The versions that consist of these files; undefined: of a tarball. */
  readonly parts: readonly Part[] | undefined;
}

/**
 * Whether there is work to do: not for the current version, and not in a dry run.
 * Throws CommandError for an older version, and for files that the release does not list.
 */
async function isWanted(
  change: Change,
  { system, force, dryRun, allowDowngrade }: ReleaseUpgradeSettings,
  host: UpgradeHost,
): Promise<boolean> {
  const { component, to, files, release } = change;
  const facts = readGenerations(system);
  const from = facts.links[component].current;
  const comparison = from === undefined ? "newer" : compareVersions(from, to);
  if (comparison === "same" && !force) {
    host.print(`There is nothing to do: ${component} ${to} is the current version\n`);
    return false;
  }
  if (comparison === "older" && !allowDowngrade) {
    throw new CommandError(`Refusing to go back from ${component} ${from} to the older ${to}`, {
      hint: "to install it anyway, use --allow-downgrade",
    });
  }
  if (!force) warnOfDamage(facts, ["trial", "quarantine"], host);
  refuseSwitch(facts, [{ component, version: to }], { force });
  if (release.signed) for (const file of files) digestOf(release, file);
  await tellMixture(change, system, facts, host);
  if (!dryRun) return true;
  host.print(`${component}: ${from ?? "none"} → ${to}\n`);
  const lines =
    change.parts === undefined
      ? await Promise.all(files.map((file) => describeFile(change, file, host)))
      : describePlan(await planVersions(change.parts, release, system), change);
  for (const line of lines) host.print(`  ${line}\n`);
  return false;
}

async function describeFile(
  { directory, release }: Pick<Change, "directory" | "release">,
  file: string,
  host: UpgradeHost,
): Promise<string> {
  const url = releaseFile(directory, file);
  const size = await sizeOf(url, { plainRedirects: !release.signed }, host);
  return size === undefined ? maskUrl(url) : `${maskUrl(url)} (${formatBytes(size)})`;
}

/** Installs new versions with `stage`, and makes them current. */
async function apply(
  { system, force, keep, keepData, reboot, windows }: ReleaseUpgradeSettings,
  release: Release,
  host: UpgradeHost,
  stage: (signal: AbortSignal) => Promise<readonly Part[]>,
): Promise<void> {
  {
    using interruption = abortOnSignals();
    using window = withinWindows(windows, host);
    await using _writable = await writable(system, host);
    await removeLeftovers(system);
    const parts = await stage(AbortSignal.any([interruption.signal, window.signal]));
    switchGeneration(system, parts, { force, keep, keepData }, host);
    rememberRelease(system, release, host);
  }
  if (!reboot) return host.print("Upgrade complete! Please reboot.\n");
  host.print("Upgrade complete! Restarting …\n");
  await shutDown("restart", host);
}
