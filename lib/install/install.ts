import type { Merged } from "../config/merge.ts";
import { GIB } from "../disk/size.ts";
import { CommandError } from "../errors.ts";
import type { Host } from "../host.ts";
import { formatBytes } from "../progress.ts";
import { applyPlan } from "./apply.ts";
import { findObjections } from "./check.ts";
import { checkConfig, installedConfig } from "./configuration.ts";
import { describePlan } from "./describe.ts";
import { gatherFacts, type InstallFacts } from "./facts.ts";
import { abortOnSignals } from "./interrupt.ts";
import { lockInstaller } from "./lock.ts";
import { inspectMedium } from "./medium.ts";
import { planInstall } from "./plan.ts";
import { askForConsent, askForDevice } from "./questions.ts";
import type { InstallSettings } from "./settings.ts";
import { openMedium } from "./source.ts";

/** A machine with 1 GiB shows less: firmware and kernel have taken their part. */
const MIN_MEMORY = 0.85 * GIB;

/**
 * Installs k3OS: facts, questions, checks, configuration, medium, plan; and only then the first write to the disk.
 * Throws CommandError for whatever is wrong before that, with the disk as it was.
 */
export async function installSystem(asked: InstallSettings, running: Merged, host: Host): Promise<void> {
  await using _lock = await lockInstaller(host);
  const first = await gatherFacts(asked, host);
  const { settings: named, facts } = await askForDevice(asked, first, host);
  const settings = await askForConsent(named, facts, { device: named.device !== asked.device });
  refuseObjections(settings, facts);
  if (facts.device === undefined) throw new CommandError("No device to install to was named");

  const config = await installedConfig(settings.configUrl, running, host);
  await using source = await openMedium(settings, facts.devices, facts.device.disk, host);
  const medium = inspectMedium(source.path, facts.target);
  if (config === undefined && medium.config !== undefined) {
    checkConfig(medium.config, "config.yaml of the medium", host);
  } else if (config !== undefined && medium.config !== undefined) {
    host.log.info(`The medium's own config.yaml gives way to ${config.origin}`);
  }
  const plan = planInstall(settings, facts, { medium, config });
  if (settings.dryRun) {
    const origin = medium.config === undefined ? "none" : "the medium's";
    host.print(describePlan(plan, facts, { medium: source.origin, config: config?.origin ?? origin }));
    return;
  }
  if (facts.memory < MIN_MEMORY) {
    host.log.warn(`This machine has ${formatBytes(facts.memory)} of memory; k3OS wants ${formatBytes(GIB)}`);
  }
  using interruption = abortOnSignals();
  await applyPlan(plan, interruption.signal, host);
  host.log.info(`k3OS ${medium.versions.k3os} is installed on ${plan.device}`);
}

function refuseObjections(settings: InstallSettings, facts: InstallFacts): void {
  const objections = findObjections(settings, facts);
  const [only] = objections;
  if (only === undefined) return;
  const consentHelps = objections.every(({ kind }) => kind === "consent");
  const text = objections.map(({ message }) => message);
  throw new CommandError(
    objections.length === 1 ? only.message : ["Cannot install:", ...text].join("\n  "),
    consentHelps
      ? { hint: "to erase it all the same: --force, or k3os.install.force in an unattended installation" }
      : {},
  );
}
