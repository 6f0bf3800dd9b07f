import { join } from "node:path";
import { writeFileAtomic } from "../fs/atomic.ts";
import { isFields, readRecord } from "../fs/record.ts";
import type { Host } from "../host/host.ts";
import { inRoot, PATH } from "../host/paths.ts";
import { CommandError } from "../text/errors.ts";

/** The latest job of a Plan on this node, as far as the node knows of it. */
export interface UpgradeJob {
  /** `k3os-latest` */
  readonly plan: string;
  /** The version that the Plan brings, as the tag of its image. */
  readonly version: string;
  /** Of the Plan, by the controller: changes with the version and what the Plan runs. */
  readonly hash: string;
  /** RFC 3339: its first start. */
  readonly since: string;
  /**
   * The node was cordoned before the job: by a person, since the job itself cordons later. Undefined: it could not be
   * asked.
   */
  readonly wasCordoned?: boolean;
  /** Why the job failed; RFC 3339. */
  readonly failure?: { readonly at: string; readonly reason: string } | undefined;
  /** RFC 3339: the upgrade found that there is nothing left to do. */
  readonly done?: string;
  /** RFC 3339: since when no pod of a Plan runs here, while the job is not settled. */
  readonly quietSince?: string;
  /** RFC 3339: the job is over, and the node is no longer cordoned by it. */
  readonly settled?: string;
}

const FILE = join(PATH.localState, "upgrade-job.json");

/** Undefined: no Plan was ever here. Throws CommandError for a damaged record. */
export function readUpgradeJob(host: Pick<Host, "root">): UpgradeJob | undefined {
  return readRecord(inRoot(host, FILE), checkJob);
}

export function writeUpgradeJob(job: UpgradeJob, host: Pick<Host, "root">): void {
  writeFileAtomic(inRoot(host, FILE), `${JSON.stringify(job, undefined, 2)}\n`, { parents: true });
}

function checkJob(value: unknown): UpgradeJob {
  const fields = isFields(value) ? value : {};
  const { plan, version, hash, since, wasCordoned = false, failure, done = "" } = fields;
  const { quietSince = "", settled = "" } = fields;
  const { at = "", reason = "" } = isFields(failure) ? failure : {};
  const texts = [plan, version, hash, since, done, quietSince, settled, at, reason];
  const known = texts.every((text) => typeof text === "string") && typeof wasCordoned === "boolean";
  if (!known || (failure !== undefined && !isFields(failure)))
    throw new CommandError("it holds something else");
  return value as UpgradeJob;
}
