import { existsSync, statSync } from "node:fs";
import { join } from "node:path";
import type { Host } from "../tools/host/host.ts";
import { inRoot, PATH } from "../tools/host/paths.ts";
import { minorOf } from "../tools/release/k3s-release.ts";
import type { RollbackPlan } from "./rollback-plan.ts";

/**
 * What becomes of the datastore of a server when k3s is rolled back: a sentence for the user, or undefined if k3s does
 * not change, or this is no server. The boot acts (lib/boot/trial/datastore.ts); this only foretells.
 */
export function datastoreNote(
  plan: RollbackPlan,
  { keepData }: { readonly keepData: boolean },
  host: Pick<Host, "root">,
): string | undefined {
  const change = k3sChange(plan);
  const datastore = inRoot(host, PATH.datastore);
  if (change === undefined || !existsSync(datastore)) return undefined;
  const { from, to } = change;
  if (existsSync(join(datastore, "etcd"))) {
    return `The datastore is in etcd and stays as it is${risk(from, to)}. To return to one of before, restore a snapshot of etcd`;
  }
  const copy = inRoot(host, join(PATH.datastoreCopies, to));
  if (plan.kind === "fail-trial" && !plan.trial.started) {
    return `The datastore stays as it is: k3s ${from} has not run yet`;
  }
  if (keepData) return `The datastore stays as it is, because of --keep-data${risk(from, to)}`;
  if (!existsSync(copy)) return `The datastore stays as it is: there is no copy of before${risk(from, to)}`;
  const time = statSync(copy)
    .mtime.toISOString()
    .replace(/\.\d+Z$/, "Z");
  return (
    `The datastore returns to the copy of ${time}, from before k3s ${from} ran; ` +
    `what was stored since then is only in ${PATH.datastoreCopies}/replaced-${from}`
  );
}

function k3sChange(plan: RollbackPlan): { readonly from: string; readonly to: string } | undefined {
  const parts = plan.kind === "swap" ? plan.parts : plan.trial.parts;
  const part = parts.find(({ component }) => component === "k3s");
  if (part?.from === undefined || part.from === part.to) return undefined;
  // the parts of a trial lead to the version that is given up
  return plan.kind === "swap" ? { from: part.from, to: part.to } : { from: part.to, to: part.from };
}

/** Kubernetes supports no way back by a minor with the same data. */
function risk(from: string, to: string): string {
  const [later, earlier] = [minorOf(from), minorOf(to)];
  if (later === undefined || earlier === undefined || later === earlier) return "";
  return `, and Kubernetes ${earlier} may be unable to read what ${later} has stored`;
}
