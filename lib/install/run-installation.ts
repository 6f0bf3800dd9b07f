import { join } from "node:path";
import { checkConfig } from "../config/read/accept-configuration.ts";
import type { Merged } from "../config/read/merge.ts";
import type { CloudConfig } from "../config/schema/schema.ts";
import { freeBytes, GIB } from "../tools/fs/size.ts";
import type { Host } from "../tools/host/host.ts";
import { abortOnSignals } from "../tools/host/interrupt.ts";
import { FILE, inRoot, PATH } from "../tools/host/paths.ts";
import { verifyImages } from "../tools/images/image-set.ts";
import type { IsoImage } from "../tools/release/iso-image.ts";
import { formatBytes } from "../tools/terminal/progress.ts";
import { openTerminal } from "../tools/terminal/prompt.ts";
import { CommandError, messageOf } from "../tools/text/errors.ts";
import { applyPlan } from "./apply-plan.ts";
import { describePlan, summarizePlan } from "./describe-plan.ts";
import { gatherFacts, type InstallFacts } from "./install-facts.ts";
import { lockInstaller } from "./install-lock.ts";
import { type InstalledConfig, planInstall } from "./install-plan.ts";
import type { InstallSettings } from "./install-settings.ts";
import { installedConfig } from "./installed-config.ts";
import { describeConfig } from "./interview/summary.ts";
import { inspectMedium } from "./medium.ts";
import { checkNamedIso, namedIso, type UnreachableIso, withoutRunningIso } from "./named-iso.ts";
import { findObjections, refuse } from "./objections.ts";
import { openMedium } from "./open-medium.ts";
import { withLocalNames } from "./programs.ts";
import { askForConsent, askQuestions, isAttended } from "./questions.ts";

/** The limit for a machine with 1 GiB, which reports less: firmware and kernel reserve some. */
const MIN_MEMORY = 0.85 * GIB;

/** The result: the system was installed, or described; or the running system is configured instead. */
export type InstallOutcome =
  | { readonly kind: "installed" }
  | { readonly kind: "planned" }
  | { readonly kind: "configure"; readonly config: CloudConfig };

/**
 * Installs k3OS: facts, prompts, checks, medium, plan, consent; and only then the first write to the disk.
 * Throws CommandError with all problems before that, with the disk unchanged.
 */
export async function installSystem(
  requested: InstallSettings,
  running: Merged,
  plainHost: Host,
): Promise<InstallOutcome> {
  const host = withLocalNames(plainHost);
  await using _lock = await lockInstaller(host);
  using terminal = openTerminal();
  const initial = withoutRunningIso(requested, host);
  const answers = await askQuestions(initial, running, await gatherFacts(initial, host), terminal, host);
  const { settings, facts } = answers;
  if (answers.operation === "configure") return { kind: "configure", config: answers.config };
  const attended = isAttended(settings) && !settings.dryRun;
  const configured = { ...running, config: answers.config };
  const { config, iso, consents } = await preflight(settings, facts, configured, host, { attended });
  if (facts.device === undefined) throw new CommandError("Missing DEVICE: expected the disk to install to");
  await using source = await openMedium(settings, iso, { ...facts, disk: facts.device.disk }, host);
  const medium = inspectMedium(source.path, facts.target);
  if (medium.images.names.length > 0) {
    host.log.info(`Checking ${formatBytes(medium.images.size)} of container images …`);
    await verifyImages(join(source.path, "k3os/system"));
  }
  if (config === undefined && medium.config !== undefined) {
    checkConfig(medium.config, "config.yaml of the medium", host);
  } else if (config !== undefined && medium.config !== undefined) {
    host.log.info(`The medium's own config.yaml gives way to ${config.origin}`);
  }
  const plan = planInstall(settings, withFreeSpace(facts, host), {
    medium,
    config,
    release: source.release,
  });
  const isAnswered = answers.config !== running.config;
  const origin = config?.origin ?? (medium.config === undefined ? "none" : "the medium's");
  const origins = { medium: source.origin, config: isAnswered ? "as above" : origin };
  const configuration = describeConfig(config?.content ?? medium.config);
  if (settings.dryRun) {
    const description = describePlan(plan, facts, origins);
    host.print(isAnswered ? `${configuration}\n${description}` : description);
    return { kind: "planned" };
  }
  if (attended && (settings.interview || consents || settings.device !== requested.device)) {
    const summary = summarizePlan(plan, facts, origins);
    await askForConsent(`\n${configuration}\n${summary}`, plan.device, terminal);
  }
  terminal.close();
  using interruption = abortOnSignals();
  await applyPlan(plan, interruption.signal, host);
  host.log.info(`k3OS ${medium.versions.k3os} is installed on ${plan.device}`);
  if (plan.kind === "takeover") host.log.info(TAKEOVER_ADVICE);
  return { kind: "installed" };
}

const TAKEOVER_ADVICE = `The next boot of this machine replaces its system: reboot. To undo this before the reboot:
${join(PATH.system, "k3os/current", FILE.executable)} takeover --undo`;

interface Checked {
  readonly config: InstalledConfig | undefined;
  readonly iso: IsoImage | UnreachableIso | undefined;
  /** The disk has foreign data, and a user is present to consent to its deletion. */
  readonly consents: boolean;
}

/** All checks that need no download of an ISO; all problems come in one error. */
async function preflight(
  settings: InstallSettings,
  facts: InstallFacts,
  running: Merged,
  host: Host,
  { attended }: { readonly attended: boolean },
): Promise<Checked> {
  const found = findObjections(settings, facts);
  const objections = found.filter(({ kind }) => kind === "refusal" || !attended);
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
    url === undefined ? undefined : await attempt(() => checkNamedIso(url, settings, facts.target, host));
  const consents = found.some(({ kind }) => kind === "consent");
  refuse(objections);
  if (facts.memory < MIN_MEMORY) {
    host.log.warn(`This machine has ${formatBytes(facts.memory)} of memory; k3OS needs ${formatBytes(GIB)}`);
  }
  return { config, iso, consents };
}

/** Updates the free space: a download may be on the target file system. */
function withFreeSpace(facts: InstallFacts, host: Pick<Host, "root">): InstallFacts {
  if (facts.takeover === undefined) return facts;
  return { ...facts, takeover: { ...facts.takeover, free: freeBytes(inRoot(host, "/")) } };
}
