import { join } from "node:path";
import { checkConfig } from "../config/check.ts";
import type { Merged } from "../config/merge.ts";
import { freeBytes, GIB } from "../disk/size.ts";
import { CommandError, messageOf } from "../errors.ts";
import type { Host } from "../host.ts";
import { abortOnSignals } from "../interrupt.ts";
import { FILE, inRoot, PATH } from "../paths.ts";
import { formatBytes } from "../progress.ts";
import { applyPlan } from "./apply.ts";
import { findObjections, type Objection } from "./check.ts";
import { installedConfig } from "./configuration.ts";
import { describePlan } from "./describe.ts";
import { gatherFacts, type InstallFacts } from "./facts.ts";
import { checkIso, type IsoImage, namedIso } from "./iso.ts";
import { lockInstaller } from "./lock.ts";
import { inspectMedium } from "./medium.ts";
import { type InstalledConfig, planInstall } from "./plan.ts";
import { withLocalNames } from "./programs.ts";
import { askForConsent, askForDevice } from "./questions.ts";
import type { InstallSettings } from "./settings.ts";
import { openMedium } from "./source.ts";

/** A machine with 1 GiB shows less: firmware and kernel have taken their part. */
const MIN_MEMORY = 0.85 * GIB;

/**
 * Installs k3OS: facts, questions, checks, medium, plan; and only then the first write to the disk.
 * Throws CommandError that names all that is wrong before that, with the disk as it was.
 */
export async function installSystem(asked: InstallSettings, running: Merged, plainHost: Host): Promise<void> {
  const host = withLocalNames(plainHost);
  await using _lock = await lockInstaller(host);
  const first = await gatherFacts(asked, host);
  const { settings: named, facts } = await askForDevice(asked, first, host);
  const settings = await askForConsent(named, facts, { device: named.device !== asked.device });
  const { config, iso } = await preflight(settings, facts, running, host);
  if (facts.device === undefined) throw new CommandError("No device to install to was named");
  await using source = await openMedium(settings, iso, { ...facts, disk: facts.device.disk }, host);
  const medium = inspectMedium(source.path, facts.target);
  if (config === undefined && medium.config !== undefined) {
    checkConfig(medium.config, "config.yaml of the medium", host);
  } else if (config !== undefined && medium.config !== undefined) {
    host.log.info(`The medium's own config.yaml gives way to ${config.origin}`);
  }
  const plan = planInstall(settings, withFreeSpace(facts, host), { medium, config });
  if (settings.dryRun) {
    const origin = medium.config === undefined ? "none" : "the medium's";
    host.print(describePlan(plan, facts, { medium: source.origin, config: config?.origin ?? origin }));
    return;
  }
  using interruption = abortOnSignals();
  await applyPlan(plan, interruption.signal, host);
  host.log.info(`k3OS ${medium.versions.k3os} is installed on ${plan.device}`);
  if (plan.takeover !== undefined) host.log.info(TAKEOVER_ADVICE);
}

const TAKEOVER_ADVICE = `The next start of this machine replaces its system: reboot. To take that back before:
${join(PATH.system, "k3os/current", FILE.executable)} takeover --undo`;

interface Checked {
  readonly config: InstalledConfig | undefined;
  readonly iso: IsoImage | undefined;
}

/** Everything that can be checked without fetching an ISO; all that is wrong comes in one error. */
async function preflight(
  settings: InstallSettings,
  facts: InstallFacts,
  running: Merged,
  host: Host,
): Promise<Checked> {
  const objections = findObjections(settings, facts);
  async function attempt<T>(check: () => Promise<T | undefined>): Promise<T | undefined> {
    try {
      return await check();
    } catch (error) {
      const hint = error instanceof CommandError ? error.hint : undefined;
      objections.push({ kind: "refusal", message: messageOf(error), ...(hint && { hint }) });
      return undefined;
    }
  }
  const config = await attempt(() => installedConfig(settings.configUrl, running, host));
  const url = namedIso(settings, facts.target);
  const iso =
    url === undefined ? undefined : await attempt(() => checkIso(url, settings, facts.target, host));
  refuse(objections);
  if (facts.memory < MIN_MEMORY) {
    host.log.warn(`This machine has ${formatBytes(facts.memory)} of memory; k3OS wants ${formatBytes(GIB)}`);
  }
  return { config, iso };
}

/** What is free now: a download may have come to lie on the file system that is installed to. */
function withFreeSpace(facts: InstallFacts, host: Pick<Host, "root">): InstallFacts {
  if (facts.takeover === undefined) return facts;
  return { ...facts, takeover: { ...facts.takeover, free: freeBytes(inRoot(host, "/")) } };
}

/** Throws CommandError if there are any. */
function refuse(objections: readonly Objection[]): void {
  const [only] = objections;
  if (only === undefined) return;
  if (objections.length === 1) {
    const hint = only.kind === "consent" ? CONSENT : only.hint;
    throw new CommandError(only.message, hint === undefined ? {} : { hint });
  }
  const lines = objections.flatMap(({ message, hint }) => [message, ...(hint ? [`  Hint: ${hint}`] : [])]);
  const consentHelps = objections.every(({ kind }) => kind === "consent");
  throw new CommandError(
    ["Cannot install:", ...lines].join("\n").replaceAll("\n", "\n  "),
    consentHelps ? { hint: CONSENT } : {},
  );
}

const CONSENT = "to erase it all the same: --force, or k3os.install.force in an unattended installation";
