import { setTimeout as later } from "node:timers";
import { CommandError, messageOf } from "../tools/text/errors.ts";
import { acceptMetadata } from "./accept.ts";
import { type AccessHost, createAccess, type SourceRecord } from "./access.ts";
import type { Choice } from "./choose.ts";
import type { Metadata, Provider } from "./data-source.ts";
import type { Platform } from "./platform.ts";

/** The result of one source of the list. */
export type Outcome =
  | { readonly kind: "answered"; readonly metadata: Metadata }
  /** Asked, but not present or without data. */
  | { readonly kind: "absent" }
  | { readonly kind: "failed"; readonly reason: string }
  /** Not asked, or not waited for. */
  | { readonly kind: "passed over"; readonly reason: string };

export interface SourceReport {
  readonly provider: Provider;
  readonly recognised: boolean;
  readonly outcome: Outcome;
  readonly record: SourceRecord;
  /** Milliseconds. */
  readonly time: number;
}

export interface Found {
  readonly provider: Provider;
  readonly metadata: Metadata;
}

export interface SearchResult {
  readonly found: Found | undefined;
  /** In the order of the list. */
  readonly reports: readonly SourceReport[];
}

/**
 * Milliseconds after the end of the search in which a local source can unmount its devices, and a network source can
 * return partial results: user data that arrived in time is not lost because of a missing key.
 */
const GRACE = 2_000;

/** Name of the reason when a signal times out, as in AbortSignal.timeout(). */
const LATE = "TimeoutError";

/**
 * Asks the chosen sources, network sources in parallel and local sources one after another. Returns the first in the
 * list's order that gives user data; otherwise the first that answered. Ends after at most `timeout` milliseconds.
 * Never throws.
 */
export async function searchSources(
  choices: readonly Choice[],
  options: { readonly platform: Platform; readonly timeout: number },
  host: AccessHost,
): Promise<SearchResult> {
  const over = new AbortController();
  const end = host.clock.monotonic() + options.timeout;
  const late = `not finished within ${options.timeout / 1000} s`;
  const timer = later(() => over.abort(new DOMException(late, LATE)), options.timeout);
  const readers: Reader[] = [];
  let atHand: Promise<unknown> = Promise.resolve();
  for (const choice of choices) {
    const before = choice.provider.kind === "local" ? atHand : Promise.resolve();
    const reader = startReader(choice, before, { ...options, end, signal: over.signal }, host);
    if (choice.provider.kind === "local") atHand = reader.ended;
    readers.push(reader);
  }
  try {
    let winner: Reader | undefined;
    for (const reader of readers) {
      const outcome = await reader.outcome;
      if (outcome.kind !== "answered") continue;
      const hasUserdata = outcome.metadata.userdata !== undefined;
      if (hasUserdata || winner === undefined) winner = reader;
      if (hasUserdata) break;
    }
    const why = winner === undefined ? "the search is over" : `${winner.choice.provider.name} came first`;
    over.abort(new DOMException(why, "AbortError")); // only the first abort counts: the timer's reason stays
    await Promise.race([atHand, graceOver()]);
    const reports = await Promise.all(readers.map(reportOf));
    const chosen = reports.find(({ provider }) => provider === winner?.choice.provider);
    return {
      found:
        chosen?.outcome.kind === "answered"
          ? { provider: chosen.provider, metadata: chosen.outcome.metadata }
          : undefined,
      reports,
    };
  } finally {
    clearTimeout(timer);
  }
}

interface Reader {
  readonly choice: Choice;
  readonly record: SourceRecord;
  /** Never rejects; settles at the end of the search at the latest. */
  readonly outcome: Promise<Outcome>;
  /** Settles when the provider has actually returned. */
  readonly ended: Promise<unknown>;
  readonly time: () => number;
}

function startReader(
  choice: Choice,
  before: Promise<unknown>,
  options: { platform: Platform; end: number; signal: AbortSignal },
  host: AccessHost,
): Reader {
  const { provider, recognised, passedOver } = choice;
  const { access, record } = createAccess(
    provider,
    { ...options, recognised, isOver: () => isOver(options.signal) },
    host,
  );
  let started: number | undefined;
  let time = 0;
  const read = async (): Promise<Outcome> => {
    if (passedOver !== undefined) return { kind: "passed over", reason: passedOver };
    await before;
    if (options.signal.aborted) return { kind: "passed over", reason: options.signal.reason.message };
    started = host.clock.monotonic();
    const outcome = await readSource(provider, access);
    time = host.clock.monotonic() - started;
    if (!isOver(options.signal)) host.log.info(`${provider.name}: ${describeOutcome(outcome)}`);
    return outcome;
  };
  const ended = read();
  return {
    choice,
    record,
    outcome: Promise.race([ended, whenOver(options.signal, () => started !== undefined)]),
    ended,
    time: () => time || (started === undefined ? 0 : host.clock.monotonic() - started),
  };
}

async function readSource(provider: Provider, access: Parameters<Provider["read"]>[0]): Promise<Outcome> {
  try {
    const answer = await provider.read(access);
    const metadata = answer === undefined ? undefined : acceptMetadata(answer, access.ignored);
    return metadata === undefined ? { kind: "absent" } : { kind: "answered", metadata };
  } catch (error) {
    return { kind: "failed", reason: messageOf(error) };
  }
}

/** The search ended because it was finished, not by the time limit. */
function isOver(signal: AbortSignal): boolean {
  return signal.aborted && signal.reason.name !== LATE;
}

/** The outcome of a source that is still running when the search ends. */
function whenOver(signal: AbortSignal, hasStarted: () => boolean): Promise<Outcome> {
  return new Promise((resolve) => {
    signal.addEventListener("abort", async () => {
      const { message } = signal.reason;
      if (isOver(signal) || !hasStarted()) return resolve({ kind: "passed over", reason: message });
      await graceOver();
      resolve({ kind: "failed", reason: message });
    });
  });
}

function graceOver(): Promise<void> {
  return new Promise((resolve) => later(resolve, GRACE));
}

async function reportOf(reader: Reader): Promise<SourceReport> {
  const { provider, recognised } = reader.choice;
  return { provider, recognised, outcome: await reader.outcome, record: reader.record, time: reader.time() };
}

/** The result of a source as text, without user data, keys and tokens. */
export function describeOutcome(outcome: Outcome): string {
  switch (outcome.kind) {
    case "answered":
      return describeMetadata(outcome.metadata);
    case "absent":
      return "nothing there";
    case "failed":
      return outcome.reason;
    case "passed over":
      return `not asked: ${outcome.reason}`;
  }
}

/** `user data (123 bytes), 2 keys, host name "a"`. */
export function describeMetadata({ userdata, keys, hostname, localHostname, facts }: Metadata): string {
  const name = localHostname ?? hostname;
  const parts = [
    userdata === undefined ? "no user data" : `user data (${userdata.length} bytes)`,
    keys === undefined ? undefined : `${keys.length} ${keys.length === 1 ? "key" : "keys"}`,
    name === undefined ? undefined : `host name "${name}"`,
    facts === undefined ? undefined : Object.keys(facts).sort().join(", "),
  ];
  return parts.filter((part) => part !== undefined).join(", ");
}

/** An error that lists the sources that were asked, and the result of each. */
export function nothingFound({ reports }: SearchResult): CommandError {
  const attempts = reports.filter(({ outcome }) => outcome.kind !== "passed over");
  if (attempts.length === 0) {
    return new CommandError("No data source was asked", {
      hint: "this machine is not identified as part of a cloud; name the sources, such as: k3os metadata aws cdrom",
    });
  }
  const lines = attempts.map(({ provider, outcome }) => `  ${provider.name}: ${describeOutcome(outcome)}`);
  return new CommandError(`No data source answered:\n${lines.join("\n")}`);
}
