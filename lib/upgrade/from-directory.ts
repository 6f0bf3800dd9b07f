import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { type GenerationFacts, readGenerations, warnOfDamage } from "../tools/generation/generation-facts.ts";
import type { Host } from "../tools/host/host.ts";
import { abortOnSignals } from "../tools/host/interrupt.ts";
import { FILE } from "../tools/host/paths.ts";
import { shutDown } from "../tools/host/power.ts";
import { changeRoot } from "../tools/host/sys.ts";
import { hostTarget } from "../tools/host/targets.ts";
import { checkK3s } from "../tools/release/k3s-program.ts";
import { formatBytes } from "../tools/terminal/progress.ts";
import { checkOrder, type OrderOptions } from "./check-order.ts";
import { copyImages, type ImagesPlan, planImages, removeOldImages } from "./copy-images.ts";
import { type CopyPlan, checkDirectories, copyVersions, planCopy } from "./copy-plan.ts";
import type { CopySettings } from "./copy-settings.ts";
import { makeRoom, switchGeneration } from "./switch.ts";
import { refuseSwitch, type SwitchOptions } from "./switch-plan.ts";
import { writable } from "./writable.ts";

export type UpgradeHost = Pick<Host, "root" | "run" | "log" | "clock" | "env" | "print" | "progress">;

export interface UpgradeOptions extends Pick<SwitchOptions, "force" | "keepData">, OrderOptions {
  readonly remount: boolean;
  readonly dryRun: boolean;
}

/**
 * Copies the versions of one system directory to another and makes them current on trial, all or none.
 * Returns whether anything changed. Throws CommandError; the destination is unchanged then, except for complete new
 * versions.
 */
export async function upgradeSystem(
  settings: CopySettings,
  options: UpgradeOptions,
  host: UpgradeHost,
): Promise<boolean> {
  const { destination, keep } = settings;
  const { plan, images, facts } = await planUpgrade(settings, options, host);
  if (plan.parts.length === 0 && images === undefined) return false;
  if (options.dryRun) {
    host.print(describeCopy(plan, images));
    return false;
  }
  await using _writable = options.remount ? await writable(destination, host) : nothing();
  using interruption = abortOnSignals();
  if (plan.parts.length > 0) makeRoom(destination, facts, keep, host);
  await copyVersions(plan, interruption.signal, host);
  if (images !== undefined) await copyImages(images, interruption.signal, host);
  interruption.signal.throwIfAborted();
  const switched =
    plan.parts.length > 0 && switchGeneration(destination, plan.parts, { ...options, keep }, host);
  if (images !== undefined) removeOldImages(destination);
  return switched || images !== undefined;
}

/**
 * Finds out whether the upgrade may be made now, and prints that it may. Changes nothing. Throws CommandError if it may
 * not, OrderError if something else comes first.
 */
export async function checkUpgrade(
  settings: CopySettings,
  options: Pick<UpgradeOptions, "force" | "allowSkew">,
  host: UpgradeHost,
): Promise<void> {
  const { plan, images } = await planUpgrade(settings, options, host);
  const isNothing = plan.parts.length === 0 && images === undefined;
  host.print(isNothing ? "There is nothing to do\n" : describeCopy(plan, images));
}

interface PlannedUpgrade {
  readonly plan: CopyPlan;
  readonly images: ImagesPlan | undefined;
  readonly facts: GenerationFacts;
}

/** Everything that may refuse the upgrade. */
async function planUpgrade(
  settings: CopySettings,
  { force, allowSkew }: Pick<UpgradeOptions, "force" | "allowSkew">,
  host: UpgradeHost,
): Promise<PlannedUpgrade> {
  const { destination } = settings;
  checkDirectories(settings);
  const facts = readGenerations(destination);
  const plan = planCopy(settings, facts, host);
  const images = planImages(
    settings,
    plan.parts.reduce((sum, { size }) => sum + size, 0),
  );
  if (plan.parts.length === 0) return { plan, images, facts };
  warnOfDamage(facts, force ? ["trial"] : ["trial", "quarantine"], host);
  refuseSwitch(facts, plan.parts, { force });
  for (const { component, version } of plan.parts) {
    if (component !== "k3s") continue;
    await checkK3s(join(settings.source, component, version, FILE.k3s), version, hostTarget(), host);
  }
  await checkOrder(destination, plan.parts, { allowSkew }, host);
  return { plan, images, facts };
}

function nothing(): AsyncDisposable {
  return { [Symbol.asyncDispose]: async () => undefined };
}

/** One line per component: `k3os v1 → v2 (411 MiB to copy)`. */
export function describeCopy({ parts }: CopyPlan, images?: ImagesPlan): string {
  const versions = parts
    .map(({ component, from, version, size }) => {
      const work = size === 0 ? "there already" : `${formatBytes(size)} to copy`;
      return `${component} ${from ?? "none"} → ${version} (${work})\n`;
    })
    .join("");
  const archives = [
    ...(images?.files ?? []).map(({ name, size }) => `images ${name} (${formatBytes(size)} to copy)\n`),
    ...(images?.old ?? []).map((name) => `images ${name} (to be removed)\n`),
  ];
  return versions + archives.join("");
}

/**
 * Reboots the machine of the upgraded system directory. A container with only k3OS has no program for that: it uses the
 * machine's, whose root is two levels above the destination.
 */
export async function restartMachine(destination: string, host: Pick<Host, "run" | "log">): Promise<void> {
  const machine = dirname(dirname(destination));
  if (machine !== "/" && !NSENTER.some((path) => existsSync(path))) changeRoot(machine);
  host.log.info("Restarting");
  await shutDown("restart", host, { outside: true });
}

const NSENTER = ["/usr/bin/nsenter", "/bin/nsenter"];
