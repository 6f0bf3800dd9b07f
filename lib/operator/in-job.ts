import { existsSync, statSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { readRecords } from "../tools/generation/generation-facts.ts";
import type { Host } from "../tools/host/host.ts";
import { inRoot } from "../tools/host/paths.ts";
import { timeStamp } from "../tools/host/time-stamp.ts";
import { type KubernetesHost, openKubernetes } from "../tools/kubernetes/kubernetes-api.ts";
import { readUpgradeJob, type UpgradeJob, writeUpgradeJob } from "../tools/node/upgrade-job.ts";
import { CommandError, messageOf } from "../tools/text/errors.ts";
import { cordonTime, type NodeObject, nodePath } from "./node-object.ts";

/** Where Kubernetes takes the reason of a container's end from. */
const TERMINATION_LOG = "/dev/termination-log";
const MOST = 4096;

/**
 * Runs what a job of a Plan does on a machine, whose system directory is `destination`; `isCheck`: before the node is
 * cordoned. Before that, it notes on the
 * machine whether the node is cordoned already, which is then a person's doing, and after a failure the reason: for
 * `k3os status`, and for `kubectl describe pod`. Versions on trial are waited for. Outside of a job it only runs it.
 * The variables: https://github.com/rancher/system-upgrade-controller/blob/v0.20.1/pkg/upgrade/container/container.go
 */
export async function inJob<T>(
  { destination, isCheck }: { readonly destination: string; readonly isCheck: boolean },
  action: () => Promise<T>,
  host: KubernetesHost,
): Promise<T> {
  const { SYSTEM_UPGRADE_PLAN_NAME: plan, SYSTEM_UPGRADE_PLAN_LATEST_HASH: hash = "" } = host.env;
  const { SYSTEM_UPGRADE_PLAN_LATEST_VERSION: version = "", SYSTEM_UPGRADE_NODE_NAME: node } = host.env;
  if (plan === undefined || node === undefined) return await action();
  const machine = { ...host, root: inRoot(host, dirname(dirname(destination))) };
  await attempt("What the job finds cannot be noted", host, () => {
    return noteJob({ plan, hash, version }, node, machine, podStart(host));
  });
  try {
    await awaitVerdict(destination, host);
    const result = await action();
    if (!isCheck) await attempt("That the job is done cannot be noted", host, async () => noteDone(machine));
    return result;
  } catch (error) {
    const reason = messageOf(error);
    await attempt("Why the job fails cannot be noted", host, async () => {
      noteFailure(reason, machine);
      const log = inRoot(host, TERMINATION_LOG);
      if (existsSync(log)) writeFileSync(log, Buffer.from(reason).subarray(0, MOST));
    });
    throw error;
  }
}

async function noteJob(
  job: Pick<UpgradeJob, "plan" | "hash" | "version">,
  node: string,
  machine: KubernetesHost,
  started: number,
): Promise<void> {
  const before = readJob(machine);
  const isOpen = before !== undefined && before.settled === undefined;
  if (isOpen && before.plan === job.plan && before.hash === job.hash) return; // another try of the same job
  // of a job that is not settled, the node may still be cordoned
  const wasCordoned = isOpen ? before.wasCordoned : await isCordoned(node, machine, started);
  const cordon = wasCordoned === undefined ? {} : { wasCordoned };
  writeUpgradeJob({ ...job, since: timeStamp(machine), ...cordon }, machine);
}

/** Whether the node was cordoned before the pod started; a Plan without our check only gets here behind its drain. */
async function isCordoned(
  node: string,
  machine: KubernetesHost,
  started: number,
): Promise<boolean | undefined> {
  try {
    const api = openKubernetes(machine, "kubelet");
    const found = await api?.request<NodeObject>("GET", nodePath(node));
    if (found === undefined) return undefined;
    if (found.spec?.unschedulable !== true) return false;
    const since = cordonTime(found);
    return since === undefined || since < started;
  } catch (error) {
    machine.log.warn(`Whether the node is cordoned is not known: ${messageOf(error)}`);
    return undefined;
  }
}

/** A volume that the controller gives to the pod: as old as the pod. */
const POD = "/run/system-upgrade/pod";

/** Milliseconds since the epoch, in whole seconds, as the API server gives times; infinite if it is not known. */
function podStart(host: Pick<Host, "root">): number {
  const found = statSync(inRoot(host, POD), { throwIfNoEntry: false });
  return found === undefined ? Number.POSITIVE_INFINITY : Math.floor(found.mtimeMs / 1000) * 1000;
}

/** Milliseconds between two looks at a trial. */
const PAUSE = 10_000;

/**
 * Waits while the machine runs versions on trial, in the try of a job that follows the reboot: otherwise, the controller
 * would take the upgrade for done. The machine reboots if they fail, and the try after that finds it out.
 */
async function awaitVerdict(destination: string, host: KubernetesHost): Promise<void> {
  let isTold = false;
  for (;;) {
    const { trial } = readRecords(inRoot(host, destination));
    if (trial?.kind !== "upgrade" || !trial.started) return;
    if (!isTold) host.log.info("Waiting for the verdict on the versions that are on trial");
    isTold = true;
    await host.clock.sleep(PAUSE);
  }
}

/** Milliseconds for a reboot to begin to end the containers. */
const REBOOT = 900_000;

/**
 * Waits in a job until the reboot ends its container: if it ended by itself before that, the controller would take the
 * upgrade for done. Throws CommandError if it goes on to live. Outside of a job it returns at once.
 */
export async function awaitReboot(host: Pick<Host, "env" | "clock">): Promise<void> {
  if (host.env.SYSTEM_UPGRADE_PLAN_NAME === undefined) return;
  await host.clock.sleep(REBOOT);
  throw new CommandError(`The machine has not rebooted within ${REBOOT / 60_000} minutes`);
}

function noteDone(machine: KubernetesHost): void {
  const job = readUpgradeJob(machine);
  if (job !== undefined) writeUpgradeJob({ ...job, failure: undefined, done: timeStamp(machine) }, machine);
}

function noteFailure(reason: string, machine: KubernetesHost): void {
  const job = readUpgradeJob(machine);
  if (job !== undefined) writeUpgradeJob({ ...job, failure: { at: timeStamp(machine), reason } }, machine);
}

function readJob(machine: KubernetesHost): UpgradeJob | undefined {
  try {
    return readUpgradeJob(machine);
  } catch (error) {
    machine.log.warn(`${messageOf(error)}: it is replaced`);
    return undefined;
  }
}

/** The upgrade does not depend on its record. */
async function attempt(problem: string, host: Pick<Host, "log">, action: () => Promise<void>): Promise<void> {
  try {
    await action();
  } catch (error) {
    host.log.warn(`${problem}: ${messageOf(error)}`);
  }
}
