import type { CloudConfig } from "../config/schema/schema.ts";
import { hostTarget } from "../tools/host/targets.ts";
import { within } from "../tools/host/within.ts";
import type { NotApplied } from "../tools/node/applied.ts";
import { pinnedK3s } from "../tools/release/k3s-release.ts";
import { messageOf } from "../tools/text/errors.ts";
import { type Applier, type ApplyHost, ItemErrors } from "./applier.ts";
import { sshKeys } from "./authorize-ssh-keys.ts";
import { dataSources } from "./data-sources.ts";
import { dnsNtp } from "./dns-ntp.ts";
import { environment } from "./environment.ts";
import { hostname } from "./hostname.ts";
import { images } from "./images.ts";
import { k3s } from "./k3s-settings.ts";
import { modules } from "./load-modules.ts";
import { manifests } from "./manifests.ts";
import { password } from "./password.ts";
import { sshKeysRefresh } from "./refresh-ssh-keys.ts";
import { commands } from "./run-commands.ts";
import { install } from "./start-installer.ts";
import { sysctls } from "./sysctls.ts";
import { timezone } from "./timezone.ts";
import { wifi } from "./wifi.ts";
import { writeFiles } from "./write-files.ts";

/** When the configuration is applied: three times in every boot, and once after `k3os install` without a disk. */
export type Phase = "initrd" | "boot" | "runtime" | "install";

/** Starts k3s, and downloads it first if it is missing. */
const fetchedK3s = k3s({ start: true, release: () => pinnedK3s(hostTarget().arch) });

const RUN_COMMANDS = commands("runCmd");

/** The appliers of each phase, in order. */
export const PHASES: Readonly<Record<Phase, readonly Applier[]>> = {
  /** /usr is mounted, but there are no services, no network, and files in memory only. */
  initrd: [
    modules,
    sysctls,
    hostname({ dhcp: false }),
    timezone,
    password,
    writeFiles({ restart: false }),
    environment({ reload: false }),
    commands("initCmd"),
  ],
  /** All disks are mounted, but there are no services and no network. */
  boot: [
    dataSources,
    modules,
    sysctls,
    hostname({ dhcp: false }),
    timezone,
    dnsNtp({ restart: false }),
    wifi,
    password,
    sshKeys({ network: false }),
    sshKeysRefresh({ restart: false }),
    k3s({ start: false }),
    images,
    manifests,
    writeFiles({ restart: false }),
    environment({ reload: false }),
    commands("bootCmd"),
  ],
  /** Services run, the network is up if there is one, and the cloud has been asked. */
  runtime: [
    modules,
    sysctls,
    hostname({ dhcp: true }),
    timezone,
    dnsNtp({ restart: true }),
    wifi,
    password,
    // a key server that is down must not keep the node out of its cluster
    { ...sshKeys({ network: true }), patience: 10_000 },
    sshKeysRefresh({ restart: true }),
    writeFiles({ restart: true }),
    environment({ reload: true }),
    RUN_COMMANDS,
    install,
    fetchedK3s,
  ],
  /** The user has just made this live system a server or an agent, or an earlier download of k3s failed. */
  install: [fetchedK3s],
};

/**
 * What a change of a running system needs: the runtime phase without what a boot does once. Commands are run again by the
 * next boot, and a missing k3s has a timer of its own.
 */
export const LIVE: readonly Applier[] = [
  ...PHASES.runtime.filter((applier) => ![RUN_COMMANDS, install, fetchedK3s].includes(applier)),
  k3s({ start: true }),
];

/** A part of the configuration that is not in effect. */
export interface ApplyFailure extends NotApplied {
  readonly phase: Phase;
}

/**
 * Applies a phase. Appliers run independently of each other's failures, which are logged when they happen and returned.
 * Never throws.
 */
export async function applyPhase(
  phase: Phase,
  config: CloudConfig,
  host: ApplyHost,
): Promise<readonly ApplyFailure[]> {
  return await applyAll(phase, PHASES[phase], config, host);
}

/** {@link applyPhase} with a list of its own. */
export async function applyAll(
  phase: Phase,
  appliers: readonly Applier[],
  config: CloudConfig,
  host: ApplyHost,
): Promise<readonly ApplyFailure[]> {
  const failures: ApplyFailure[] = [];
  const unfinished: Promise<void>[] = [];
  for (const applier of appliers) {
    host.log.debug(`applying ${applier.name} (${phase})`);
    const work = applyOne(applier, config, host).then((found) => {
      const errors = found.length === 0 ? {} : { errors: found };
      host.tell?.({ event: "applier", phase, name: applier.name, ok: found.length === 0, ...errors });
      for (const failure of found) {
        host.log.error(`Cannot apply ${failure.path ?? applier.name}: ${failure.message}`);
        failures.push({ phase, applier: applier.name, ...failure });
      }
    });
    unfinished.push(work);
    const { patience } = applier;
    const done = work.then(() => true);
    if (patience === undefined || (await within(patience, done, () => false))) await work;
    else host.log.warn(`${applier.name} still runs after ${patience / 1000} s: going on without it`);
  }
  await Promise.all(unfinished);
  return failures;
}

async function applyOne(
  applier: Applier,
  config: CloudConfig,
  host: ApplyHost,
): Promise<readonly Omit<NotApplied, "applier">[]> {
  try {
    await applier.apply(config, host);
    return [];
  } catch (error) {
    return error instanceof ItemErrors ? error.items : [{ message: messageOf(error) }];
  }
}
