import { isFields } from "../tools/fs/record.ts";
import { readRecords } from "../tools/generation/generation-facts.ts";
import type { Quarantined } from "../tools/generation/quarantine.ts";
import type { Host } from "../tools/host/host.ts";
import { inRoot, PATH } from "../tools/host/paths.ts";
import { timeStamp } from "../tools/host/time-stamp.ts";
import type { KubernetesApi } from "../tools/kubernetes/kubernetes-api.ts";
import { runningVersion } from "../tools/node/running-version.ts";
import { readUpgradeJob, type UpgradeJob, writeUpgradeJob } from "../tools/node/upgrade-job.ts";
import { type NodeObject, patchNode } from "./node-object.ts";

export type SettleHost = Pick<Host, "root" | "log" | "clock">;

/** Milliseconds without a pod after which a job has ended: its next try starts within 40 s. */
const QUIET = 180_000;

/**
 * Ends the node's latest job of a Plan: once the new version is kept or taken back, or the job has ended without either,
 * and no pod of a Plan runs here any more, it uncordons what the job cordoned. What was cordoned before the job stays: after
 * a success the controller uncordons it, and it is cordoned again. Throws KubernetesError; the next call tries again.
 */
export async function settleJob(node: NodeObject, api: KubernetesApi, host: SettleHost): Promise<void> {
  const job = readUpgradeJob(host);
  if (job === undefined || job.settled !== undefined) return;
  const { trial, quarantine } = readRecords(inRoot(host, PATH.system));
  if (trial !== undefined) return; // it is not judged yet
  if (await hasPod(node.metadata.name, api)) {
    const { quietSince, ...open } = job;
    if (quietSince !== undefined) writeUpgradeJob(open, host);
    return;
  }
  // by its version too: at the boot that took it back, the clock may have been wrong
  const failed = quarantine.findLast(({ at, versions }) => at >= job.since || versions.k3os === job.version);
  // the tag of a person's own image need not be a version
  const isUpgraded = failed === undefined && (job.done !== undefined || runningVersion(host) === job.version);
  const waits = isUpgraded ? job.wasCordoned === true && !isLabelled(node, job) : failed === undefined;
  if (waits && !isQuiet(job, host)) {
    if (job.quietSince === undefined) writeUpgradeJob({ ...job, quietSince: timeStamp(host) }, host);
    return;
  }
  if (isUpgraded && job.wasCordoned === true) await cordonAgain(node, api, host);
  else await uncordon(node, job, api, host);
  const { failure, ...over } = { ...job, settled: timeStamp(host) };
  if (isUpgraded) writeUpgradeJob(over, host);
  else writeUpgradeJob({ ...over, failure: reasonOf(failed) ?? failure ?? unknownFailure(job, host) }, host);
}

function reasonOf(failed: Quarantined | undefined): UpgradeJob["failure"] {
  return failed && { at: failed.at, reason: failed.reason };
}

function unknownFailure({ plan }: UpgradeJob, host: SettleHost): UpgradeJob["failure"] {
  const reason = `its job ended before the upgrade was done: see "kubectl -n k3os-system describe plan ${plan}"`;
  return { at: timeStamp(host), reason };
}

function isQuiet({ quietSince }: UpgradeJob, host: SettleHost): boolean {
  return quietSince !== undefined && host.clock.now() - Date.parse(quietSince) >= QUIET;
}

/** Whether a pod of any Plan is on this node and has not ended. */
async function hasPod(node: string, api: KubernetesApi): Promise<boolean> {
  const query = new URLSearchParams({
    fieldSelector: `spec.nodeName=${node}`,
    labelSelector: "upgrade.cattle.io/plan",
  });
  const { items } = await api.request<{ readonly items: readonly unknown[] }>("GET", `/api/v1/pods?${query}`);
  return items.some((pod) => {
    const { metadata, status } = isFields(pod) ? pod : {};
    const isDeleted = isFields(metadata) && metadata.deletionTimestamp !== undefined;
    const phase = isFields(status) ? status.phase : undefined;
    return !isDeleted && phase !== "Succeeded" && phase !== "Failed";
  });
}

/**
 * Whether the controller is done with a job that succeeded: it notes its Plan on the node, and uncordons it, in one update.
 * https://github.com/rancher/system-upgrade-controller/blob/v0.20.1/pkg/upgrade/handle_batch.go
 */
function isLabelled({ metadata: { labels } }: NodeObject, { plan, hash }: UpgradeJob): boolean {
  return labels?.[`plan.upgrade.cattle.io/${plan}`] === hash;
}

async function cordonAgain(
  { metadata: { name }, spec }: NodeObject,
  api: KubernetesApi,
  host: SettleHost,
): Promise<void> {
  if (spec?.unschedulable === true)
    return host.log.info(`${name} stays cordoned: it was so before the upgrade`);
  await patchNode(name, { spec: { unschedulable: true } }, api);
  host.log.info(`${name} is cordoned again: it was so before the upgrade, and the controller uncordoned it`);
}

async function uncordon(
  { metadata: { name }, spec }: NodeObject,
  { wasCordoned }: UpgradeJob,
  api: KubernetesApi,
  host: SettleHost,
): Promise<void> {
  if (spec?.unschedulable !== true) return;
  if (wasCordoned !== false) {
    const why = wasCordoned ? "it was so before the upgrade" : "it could not be asked before the upgrade";
    host.log.info(`${name} stays cordoned: ${why}`);
    return;
  }
  await patchNode(name, { spec: { unschedulable: null } }, api);
  host.log.info(`${name} is uncordoned: the upgrade that cordoned it is over`);
}
