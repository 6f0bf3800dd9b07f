import { formatBytes } from "../tools/terminal/progress.ts";
import { labelled } from "../tools/text/wrap.ts";
import { describeCluster } from "./cluster-state.ts";
import { describeState, type K3sState } from "./k3s-state.ts";
import type { DiskState, NodeState } from "./node-facts.ts";

type Row = readonly [label: string, text: string];

/** The state of the data source, see `readDataSource` of its domain. */
export interface AnsweredSource {
  readonly provider: string | undefined;
  readonly kept: { readonly source: string; readonly date: string } | undefined;
}

/** A node as text, a labelled row per fact, in lines of at most 80 columns. */
export function describeNode(node: NodeState, dataSource: AnsweredSource): string {
  const { hostname, bootedAt, restartFor, k3s, cluster, failedUnits, configuration, interfaces, disks } =
    node;
  const rows: Row[] = [["Node", bootedAt === undefined ? hostname : `${hostname}, up since ${bootedAt}`]];
  if (restartFor.length > 0) rows.push(["Restart", `needed for ${restartFor.join(", ")}`]);
  if (k3s !== undefined) rows.push(...describeK3s(k3s));
  if (cluster !== undefined) rows.push(["Cluster", describeCluster(cluster).join(", ")]);
  if (failedUnits !== undefined) {
    rows.push(["Units", failedUnits.length === 0 ? "none failed" : `failed: ${failedUnits.join(" ")}`]);
  }
  for (const { path, state, problems } of configuration) {
    rows.push(["Config", state === "read" ? path : `${path} (${state})`]);
    rows.push(...problems.map((problem): Row => ["", problem]));
  }
  rows.push(...node.notApplied.map((problem): Row => ["Unapplied", problem]));
  for (const { name, state, addresses } of interfaces ?? []) {
    rows.push(["Network", [name, state, ...addresses].filter(Boolean).join(" ")]);
  }
  if (disks.state !== undefined) rows.push(["Disk", describeDisk(disks.state)]);
  if (disks.medium !== undefined) rows.push(["Medium", disks.medium.device]);
  const { provider, kept } = dataSource;
  if (provider !== undefined) rows.push(["Data from", provider]);
  if (kept !== undefined) rows.push(["Kept", `answer of ${kept.source} of ${kept.date}`]);
  if (node.leftOut.length > 0) rows.push(["Left out", node.leftOut.join(", ")]);
  return labelled(rows);
}

function describeK3s({ role, state, since: time, trouble }: K3sState): Row[] {
  const words = state === "activating" ? [describeState({ state, since: time })] : [state, since(time)];
  const first: Row = ["K3s", [role, ...words].filter(Boolean).join(", ")];
  if (trouble === undefined) return [first];
  return [first, ["", trouble.message], ["", `Hint: ${trouble.hint}`]];
}

function since(time: string | undefined): string | undefined {
  return time && `since ${time}`;
}

function describeDisk({ device, size, used, free, readOnly }: DiskState): string {
  const [all, taken, left] = [size, used, free].map(formatBytes);
  return `${device}: ${taken} of ${all} used, ${left} free${readOnly ? ", READ-ONLY" : ""}`;
}
