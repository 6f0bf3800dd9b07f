import { writeFileAtomic } from "../fs/atomic.ts";
import { readTextBounded } from "../fs/read-bounded.ts";
import { isFields } from "../fs/record.ts";
import type { Host } from "../host/host.ts";
import { inRoot, PATH } from "../host/paths.ts";

/** The phases of a boot in which the configuration is applied. */
export type BootPhase = "initrd" | "boot" | "runtime";

/** An entry of the configuration, or a whole part of it, that is not in effect. */
export interface NotApplied {
  /** The part, as the user would name it. */
  readonly applier: string;
  /** The entry, such as `run_cmd[0]`; absent if the whole part failed. */
  readonly path?: string;
  readonly message: string;
  /** What it achieved before is still in effect: ssh keys whose server does not answer. */
  readonly kept?: boolean;
}

/** What one phase of this boot has made of the configuration. */
export interface PhaseOutcome {
  /** Tells one run of the phase from the next. */
  readonly run: string;
  /** All of it has been tried; false while it runs, and if it was cut short. */
  readonly done: boolean;
  /** A digest of the whole configuration. */
  readonly config: string;
  /** Every entry that the phase applies: path → digest of what it says. */
  readonly items: Readonly<Record<string, string>>;
  readonly failures: readonly NotApplied[];
}

/** What this boot has made of the configuration so far. */
export interface Outcome {
  /** A digest of the files that the configuration is read from. */
  readonly sources: string;
  /** What of them could not be used, as messages. */
  readonly broken: readonly string[];
  readonly phases: Readonly<Partial<Record<BootPhase, PhaseOutcome>>>;
}

/** What a phase has achieved under the versions that are kept. */
export interface PhaseRecord {
  /** The latest run that counted. */
  readonly run: string;
  readonly config: string;
  /** Entry (its list and the digest of what it says, wherever it stands) → how often in a row it succeeded, at most 2. */
  readonly items: Readonly<Record<string, number>>;
  /** Parts that failed as a whole. */
  readonly failed: readonly string[];
}

/** What the configuration achieves under the versions that are kept: new ones have to achieve as much. */
export interface AppliedRecord {
  readonly sources: string;
  readonly broken: boolean;
  readonly phases: Readonly<Partial<Record<BootPhase, PhaseRecord>>>;
}

/** Both may hold digests and messages about secrets. */
const PRIVATE = { mode: 0o600, parents: true } as const;

/** What this boot has made of the configuration; undefined if nothing is known. Throws where it may not be read. */
export function readOutcome(host: Pick<Host, "root">): Outcome | undefined {
  return readJson<Outcome>(inRoot(host, PATH.outcome));
}

/** What of the configuration is not in effect in this boot, as messages. Throws where that may not be read. */
export function notApplied(host: Pick<Host, "root">): string[] {
  const phases = Object.values(readOutcome(host)?.phases ?? {});
  return [...new Set(phases.flatMap(({ failures }) => failures.map(describeFailure)))];
}

function describeFailure({ applier, path, message }: NotApplied): string {
  return `${path ?? applier}: ${message}`;
}

export function writeOutcome(outcome: Outcome, host: Pick<Host, "root">): void {
  writeFileAtomic(inRoot(host, PATH.outcome), `${JSON.stringify(outcome)}\n`, PRIVATE);
}

/** What was achieved before; undefined if nothing is known, as on a machine that comes from another version. */
export function readRecord(host: Pick<Host, "root">): AppliedRecord | undefined {
  return readJson<AppliedRecord>(inRoot(host, PATH.applied));
}

/** Makes what this boot achieves what new versions have to achieve. A phase that has not ended counts as it did before. */
export function recordOutcome(host: Pick<Host, "root">): void {
  const outcome = readOutcome(host);
  if (outcome === undefined) return;
  const before = readRecord(host);
  const ended = Object.entries(outcome.phases).filter(([, { done }]) => done) as [BootPhase, PhaseOutcome][];
  const phases = ended.map(([phase, found]) => [phase, phaseRecord(found, before?.phases[phase])]);
  const record: AppliedRecord = {
    sources: outcome.sources,
    broken: outcome.broken.length > 0,
    phases: { ...before?.phases, ...Object.fromEntries(phases) },
  };
  writeFileAtomic(inRoot(host, PATH.applied), `${JSON.stringify(record)}\n`, PRIVATE);
}

function phaseRecord(outcome: PhaseOutcome, before: PhaseRecord | undefined): PhaseRecord {
  const { run, config, items, failures } = outcome;
  if (before?.run === run) return before;
  const failed = new Set(failures.map(({ path }) => path));
  const achieved = Object.entries(items)
    .filter(([path]) => !failed.has(path))
    .map(([path, digest]) => {
      const key = itemKey(path, digest);
      return [key, Math.min((before?.items[key] ?? 0) + 1, 2)];
    });
  const parts = failures.filter(({ path }) => path === undefined || items[path] === undefined);
  const record: PhaseRecord = {
    run: before?.run ?? run,
    config,
    items: Object.fromEntries(achieved),
    failed: [...new Set(parts.map(({ applier }) => applier))],
  };
  // where nothing else has changed, nothing is written
  return JSON.stringify(record) === JSON.stringify(before) ? record : { ...record, run };
}

/** An entry by what it says: others may have come before it since. */
function itemKey(path: string, digest: string): string {
  return `${path.replace(/\[.*$/, "")}#${digest}`;
}

/**
 * What was achieved before, and is not now: one message for each. Failures of what is new in the configuration, or
 * failed before, are none. A command has to have succeeded twice in a row: many do so only once (`mkdir`, `adduser`).
 */
export function lostAchievements(record: AppliedRecord, outcome: Outcome): string[] {
  return [...lostSources(record, outcome), ...Object.keys(outcome.phases).flatMap(lostIn)];

  function lostIn(phase: string): string[] {
    const [before, now] = [record.phases[phase as BootPhase], outcome.phases[phase as BootPhase]];
    if (before === undefined || now === undefined) return [];
    return now.failures.filter((failure) => wasAchieved(failure, before, now)).map(describeFailure);
  }
}

function wasAchieved({ applier, path, kept }: NotApplied, before: PhaseRecord, now: PhaseOutcome): boolean {
  if (kept) return false;
  const digest = path === undefined ? undefined : now.items[path];
  if (path === undefined || digest === undefined) {
    return before.config === now.config && !before.failed.includes(applier);
  }
  const needed = /^\w+_cmd\[/.test(path) ? 2 : 1;
  return (before.items[itemKey(path, digest)] ?? 0) >= needed;
}

/** The same files, which were valid, and are not any more. */
function lostSources({ sources, broken }: AppliedRecord, outcome: Outcome): readonly string[] {
  return !broken && sources === outcome.sources ? outcome.broken : [];
}

function readJson<T>(path: string): T | undefined {
  let text: string;
  try {
    text = readTextBounded(path);
  } catch (error) {
    if (["EACCES", "EPERM"].includes((error as NodeJS.ErrnoException).code ?? "")) throw error;
    return undefined; // missing, or something else in its place
  }
  try {
    const value: unknown = JSON.parse(text);
    return isFields(value) && isFields(value.phases) ? (value as T) : undefined;
  } catch {
    return undefined; // cut short by a power cut: as good as none
  }
}
