import { ANNOTATION, type NodeObject, readList, type Taint } from "./node-object.ts";

/** What the servers have set on one node. */
export interface TaintRecord {
  /** Of the node, which may have been deleted and have joined again. */
  readonly uid: string;
  /** As `KEY=VALUE:EFFECT`. */
  readonly taints: readonly string[];
}

export interface TaintPlan {
  /** Before the change: what is about to be set counts as set, so that an interruption leaves no unknown taint. */
  readonly claim: TaintRecord;
  /** The node's new taints; undefined: they are right. */
  readonly taints: readonly Taint[] | undefined;
  /** After the change. */
  readonly record: TaintRecord;
  /** Wanted taints that are left out, with the reasons. */
  readonly refused: readonly string[];
}

/**
 * Plans what a server does about the taints that a node wants, by its annotation, which whoever has the kubelet's
 * identity can write. Pure. So a node gets more than the kubelet could do itself only in this: it may add taints, which
 * keep pods away from it, and remove taints that a server set for it, by the servers' record. It cannot remove or change
 * a taint that a person or a controller set: that would bring it pods, and their secrets. `adopts`: without a record,
 * taints that the node wants and has count as set by its registration, from the same configuration.
 */
export function planTaints(
  { metadata, spec }: NodeObject,
  recorded: TaintRecord | undefined,
  { adopts }: { readonly adopts: boolean },
): TaintPlan | undefined {
  const wish = readList(metadata.annotations?.[ANNOTATION.wantedTaints]);
  if (wish === undefined && adopts) return undefined; // it has only just joined, and will say
  const live = spec?.taints ?? [];
  const has = (text: string) => live.some((taint) => textOfTaint(taint) === text);
  const { wanted, refused } = sortOut(wish ?? []);
  const known = recorded?.uid === metadata.uid ? recorded : undefined;
  const before = known?.taints ?? (adopts ? wanted.filter(has) : []);
  const uid = metadata.uid ?? "";
  const dropped = before.filter((text) => !wanted.includes(text) && has(text));
  const kept = live.filter((taint) => !dropped.includes(textOfTaint(taint)));
  const added: string[] = [];
  for (const text of wanted) {
    if (has(text)) continue;
    const taint = parseTaint(text);
    const other = kept.find(({ key, effect }) => key === taint.key && effect === taint.effect);
    if (other === undefined) added.push(text);
    else refused.push(`${text}: the node has ${textOfTaint(other)}, which k3OS did not set`);
  }
  const ours = wanted.filter((text) => added.includes(text) || (before.includes(text) && has(text)));
  const isSame = added.length === 0 && dropped.length === 0;
  return {
    claim: { uid, taints: [...new Set([...before, ...added])] },
    taints: isSame ? undefined : [...kept, ...added.map(parseTaint)],
    record: { uid, taints: ours },
    refused,
  };
}

/**
 * Kubernetes' own taints state what is the matter with a node: its controllers set and remove them. Those of roles only
 * keep pods away.
 */
const RESERVED = /^(?!node-role\.kubernetes\.io\/)(?:[^/]*\.)?(?:kubernetes|k8s)\.io\//;
const TAINT =
  /^(?:[\w.-]{1,253}\/)?[\w.-]{1,63}(?:=[\w.-]{0,63})?:(?:NoSchedule|PreferNoSchedule|NoExecute)$/;

/** More than a configuration has; a node must not be able to fill the servers' record. */
const MOST = 50;

function sortOut(wish: readonly string[]): { wanted: readonly string[]; refused: string[] } {
  const refused: string[] = [];
  const wanted = [...new Set(wish)].slice(0, MOST).flatMap((text) => {
    if (!TAINT.test(text)) return [];
    if (!RESERVED.test(text)) return [textOfTaint(parseTaint(text))];
    refused.push(`${text}: Kubernetes sets the taints of that name itself`);
    return [];
  });
  return { wanted: [...new Set(wanted)], refused };
}

/** Reads `KEY=VALUE:EFFECT` or `KEY:EFFECT`. */
export function parseTaint(text: string): Taint {
  const [rest = "", effect = ""] = text.split(/:(?=[^:]*$)/);
  const [key = "", value] = rest.split("=");
  return { key, ...(value ? { value } : {}), effect };
}

export function textOfTaint({ key, value, effect }: Taint): string {
  return `${key}${value ? `=${value}` : ""}:${effect}`;
}
