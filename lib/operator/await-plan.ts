import { isFields } from "../tools/fs/record.ts";
import type { Host } from "../tools/host/host.ts";
import {
  type KubernetesApi,
  type KubernetesHost,
  openKubernetesInPod,
} from "../tools/kubernetes/kubernetes-api.ts";
import { KubernetesError } from "../tools/kubernetes/kubernetes-error.ts";
import { compareVersions } from "../tools/release/version-order.ts";
import { CommandError } from "../tools/text/errors.ts";

/** Milliseconds between two looks at a Plan. */
const PAUSE = 20_000;

/**
 * Waits in a job until other Plans are complete for the version that the job's own Plan brings, or a newer one: so
 * agents follow their servers. A Plan that does not exist, or has no nodes, is not waited for. The job's deadline ends the wait.
 * Throws CommandError outside of a job.
 */
export async function awaitPlans(names: readonly string[], host: KubernetesHost): Promise<void> {
  if (names.length === 0) return;
  const api = openKubernetesInPod(host);
  const { SYSTEM_UPGRADE_PLAN_LATEST_VERSION: version } = host.env;
  if (api === undefined || version === undefined) {
    throw new CommandError("Only the job of a Plan can wait for another Plan");
  }
  for (const name of names) await awaitPlan(name, version, api, host);
}

async function awaitPlan(
  name: string,
  version: string,
  api: KubernetesApi,
  host: Pick<Host, "log" | "clock">,
): Promise<void> {
  let told: string | undefined;
  for (;;) {
    const why = await reasonToWait(name, version, api);
    if (why === undefined) return;
    if (why !== told) host.log.info(`Waiting for the Plan ${name}: ${why}`);
    told = why;
    await host.clock.sleep(PAUSE);
  }
}

async function reasonToWait(name: string, version: string, api: KubernetesApi): Promise<string | undefined> {
  try {
    const plan = await api.request("GET", `/apis/upgrade.cattle.io/v1/namespaces/k3os-system/plans/${name}`);
    const why = whyIncomplete(plan, version);
    return why === undefined || !(await hasNodes(plan, api)) ? undefined : why;
  } catch (error) {
    if (!(error instanceof KubernetesError)) throw error;
    if (error.kind === "notFound") return undefined;
    return error.message; // the API server restarts, when its node is upgraded
  }
}

async function hasNodes(plan: unknown, api: KubernetesApi): Promise<boolean> {
  const spec = isFields(plan) && isFields(plan.spec) ? plan.spec : {};
  const query = new URLSearchParams({ labelSelector: selectorText(spec.nodeSelector), limit: "1" });
  const { items } = await api.request<{ readonly items: readonly unknown[] }>(
    "GET",
    `/api/v1/nodes?${query}`,
  );
  return items.length > 0;
}

/**
 * A selector of an object as the API takes it in a query.
 * https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#label-selectors
 */
export function selectorText(selector: unknown): string {
  const { matchLabels, matchExpressions } = isFields(selector) ? selector : {};
  const labels = Object.entries(isFields(matchLabels) ? matchLabels : {}).map(
    ([key, value]) => `${key}=${value}`,
  );
  const list = Array.isArray(matchExpressions) ? matchExpressions.filter(isFields) : [];
  const terms = list.map(({ key, operator, values }) => {
    const set = `(${Array.isArray(values) ? values.join(",") : ""})`;
    if (operator === "Exists") return `${key}`;
    return operator === "DoesNotExist" ? `!${key}` : `${key} ${operator === "In" ? "in" : "notin"} ${set}`;
  });
  return [...labels, ...terms].join(",");
}

/** Why a Plan is not complete for a version; undefined if it is. Pure. The status is that of the controller 0.20.1. */
export function whyIncomplete(plan: unknown, version: string): string | undefined {
  const status = isFields(plan) && isFields(plan.status) ? plan.status : {};
  const { latestVersion, applying, conditions } = status;
  if (typeof latestVersion !== "string") return "the controller has not looked at it yet";
  if (compareVersions(version, latestVersion) === "older")
    return `it is at ${latestVersion}, not yet at ${version}`;
  const list = Array.isArray(conditions) ? conditions.filter(isFields) : [];
  const complete = list.find(({ type }) => type === "Complete");
  if (complete?.status === "True") return undefined;
  const nodes = Array.isArray(applying) ? applying.join(", ") : "";
  const problem =
    typeof complete?.message === "string" && complete.message !== "" ? `: ${complete.message}` : "";
  return `it is not complete${nodes === "" ? "" : `, at work on ${nodes}`}${problem}`;
}
