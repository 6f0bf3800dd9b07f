import { chmodSync, existsSync, mkdirSync } from "node:fs";
import { dirname } from "node:path";
import { writeFileAtomic } from "../tools/fs/atomic.ts";
import { readTextBounded, readTextIfThere } from "../tools/fs/read-bounded.ts";
import type { Host } from "../tools/host/host.ts";
import { inRoot, PATH } from "../tools/host/paths.ts";
import { timeStamp } from "../tools/host/time-stamp.ts";
import { messageOf } from "../tools/text/errors.ts";
import { acceptMetadata } from "./accept.ts";
import type { Metadata } from "./data-source.ts";
import { at, isObject, textAt, textsAt } from "./json.ts";
import type { Platform } from "./platform.ts";

const FILE = `${PATH.localState}/metadata/answer.json`;
/** User data of 16 MiB in base64, and the rest of an answer. */
const MAX_KEPT = 64 << 20;

/** The last valid answer of a source. */
export interface Kept {
  readonly source: string;
  readonly title: string;
  /** ISO 8601. */
  readonly date: string;
  readonly metadata: Metadata;
}

/** UUIDs that board makers leave in thousands of machines, and QEMU's default. */
const COMMON_UUIDS = [
  "00000000-0000-0000-0000-000000000000",
  "03000200-0400-0500-0006-000700080009",
  "ffffffff-ffff-ffff-ffff-ffffffffffff",
];

/**
 * Distinguishes this machine from one with a copy of its disk: the UUID of its firmware, which every cloud generates
 * for each instance and which no disk contains. undefined if there is no reliable one (many boards, QEMU without
 * `-uuid`). Then no answer is kept, since the disk's own machine id would be copied with it.
 */
export function machineIdentity({ dmi }: Platform): string | undefined {
  const uuid = dmi.product_uuid?.toLowerCase() ?? "";
  return /^[0-9a-f-]{36}$/.test(uuid) && !COMMON_UUIDS.includes(uuid) ? uuid : undefined;
}

/** Keeps an answer for boots on which no source answers, unless the machine has no identity or the disk is full. */
export function keepAnswer(
  { source, title, metadata }: Omit<Kept, "date">,
  platform: Platform,
  host: Pick<Host, "root" | "log" | "clock">,
): void {
  const machine = machineIdentity(platform);
  if (machine === undefined) return;
  const { userdata, ...rest } = metadata;
  const encoded = userdata === undefined ? {} : { userdata: Buffer.from(userdata).toString("base64") };
  const date = timeStamp(host);
  // the date alone is no reason to write: the disk is not written to at every boot
  const same = readKept(host);
  const content = { machine, source, title, metadata: { ...rest, ...encoded } };
  if (same !== undefined && JSON.stringify({ ...same, date: undefined }) === JSON.stringify(content)) return;
  try {
    const file = inRoot(host, FILE);
    mkdirSync(dirname(file), { recursive: true });
    chmodSync(dirname(file), 0o700);
    writeFileAtomic(file, `${JSON.stringify({ ...content, date })}\n`, { mode: 0o600 });
  } catch (error) {
    host.log.warn(`Cannot keep the data source's answer for offline boots: ${messageOf(error)}`);
  }
}

/**
 * The last answer that one of these sources gave to this machine, according to {@link machineIdentity}. An answer to
 * another machine is not used: two nodes must not have the same name and token.
 */
export function keptAnswer(
  sources: readonly string[],
  platform: Platform,
  host: Pick<Host, "root" | "log">,
): Kept | undefined {
  const kept = readKept(host);
  if (kept === undefined) {
    if (existsSync(inRoot(host, FILE))) host.log.warn(`"${FILE}" is damaged: not used`);
    return undefined;
  }
  const machine = machineIdentity(platform);
  if (machine === undefined || textAt(kept, "machine") !== machine) {
    host.log.warn("What is kept of a data source was meant for another machine: not used");
    return undefined;
  }
  const [source = "", title = "", date = ""] = ["source", "title", "date"].map((name) => textAt(kept, name));
  const metadata = acceptMetadata(metadataOf(at(kept, "metadata")), (what) => host.log.warn(what));
  return metadata === undefined || !sources.includes(source) ? undefined : { source, title, date, metadata };
}

/** The data source that answered, for status reports. */
export interface DataSourceState {
  /** The name of the source whose answer is in /run/config; undefined: none has answered since the boot. */
  readonly provider: string | undefined;
  /** The last answer, kept for boots on which no source answers; visible only to root. */
  readonly kept: Pick<Kept, "source" | "date"> | undefined;
}

export function readDataSource(host: Pick<Host, "root">): DataSourceState {
  const file = inRoot(host, `${PATH.metadata}/provider`);
  const kept = readKept(host);
  const [source = "", date = ""] = ["source", "date"].map((name) => textAt(kept, name));
  return {
    provider: readTextIfThere(file)?.trim(),
    kept: kept && { source, date },
  };
}

function readKept(host: Pick<Host, "root">): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(readTextBounded(inRoot(host, FILE), { maxBytes: MAX_KEPT }));
    return isObject(value) ? value : undefined;
  } catch {
    return undefined; // none yet; an invalid one counts as none, and is replaced by the next
  }
}

function metadataOf(value: unknown): Metadata {
  const [userdata, hostname, localHostname, instanceId] = [
    ...["userdata", "hostname", "localHostname", "instanceId"],
  ].map((name) => textAt(value, name));
  const facts = at(value, "facts");
  const texts = Object.entries(isObject(facts) ? facts : {}).filter(([, text]) => typeof text === "string");
  return {
    ...(userdata === undefined ? {} : { userdata: Buffer.from(userdata, "base64") }),
    ...(hostname === undefined ? {} : { hostname }),
    ...(localHostname === undefined ? {} : { localHostname }),
    ...(instanceId === undefined ? {} : { instanceId }),
    keys: textsAt(value, "keys"),
    facts: Object.fromEntries(texts) as Record<string, string>,
  };
}
