import { writeFileAtomic } from "../fs/atomic.ts";
import { readTextBounded } from "../fs/read-bounded.ts";
import { isFields } from "../fs/record.ts";
import type { Host } from "../host/host.ts";
import { inRoot, PATH } from "../host/paths.ts";

/** The phases of a boot in which the configuration is applied. */
export type BootPhase = "initrd" | "boot" | "runtime";

/** An entry of the configuration, or a whole part, that is not in effect. */
export interface NotApplied {
  /** The part, by its name for the user. */
  readonly applier: string;
  /** The entry, such as `run_cmd[0]`; absent if the whole part failed. */
  readonly path?: string;
  readonly message: string;
  /** The result of an earlier run is still in effect: SSH keys whose server does not answer. */
  readonly kept?: boolean;
}

/** The outcome of one phase of this boot. */
export interface PhaseOutcome {
  /** Distinguishes the runs of a phase. */
  readonly run: string;
  /** All entries were tried; false while it runs, and after an interruption. */
  readonly done: boolean;
  /** A digest of the whole configuration. */
  readonly config: string;
  /** All entries of the phase: path → digest of the content. */
  readonly items: Readonly<Record<string, string>>;
  readonly failures: readonly NotApplied[];
}

/** The outcome of the configuration in this boot so far. */
export interface Outcome {
  /** A digest of the configuration's source files. */
  readonly sources: string;
  /** Messages about source files that could not be used. */
  readonly broken: readonly string[];
  readonly phases: Readonly<Partial<Record<BootPhase, PhaseOutcome>>>;
}

/** The results of a phase under the versions that are kept. */
export interface PhaseRecord {
  /** The latest run that counted. */
  readonly run: string;
  readonly config: string;
  /** Entry (its list and the digest of its content, at any position) → number of successes in a row, at most 2. */
  readonly items: Readonly<Record<string, number>>;
  /** Parts that failed completely. */
  readonly failed: readonly string[];
}

/** The results of the configuration under the versions that are kept: new versions must achieve the same. */
export interface AppliedRecord {
  readonly sources: string;
  readonly broken: boolean;
  readonly phases: Readonly<Partial<Record<BootPhase, PhaseRecord>>>;
}

/** Both files may contain digests and messages about secrets. */
const PRIVATE = { mode: 0o600, parents: true } as const;

/** The outcome of this boot; undefined if unknown. Throws if the file may not be read. */
export function readOutcome(host: Pick<Host, "root">): Outcome | undefined {
  return readJson<Outcome>(inRoot(host, PATH.outcome));
}

/** The entries that are not in effect in this boot, as messages. Throws if the file may not be read. */
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

/** The earlier results; undefined if unknown, as on a machine that comes from another version. */
export function readRecord(host: Pick<Host, "root">): AppliedRecord | undefined {
  return readJson<AppliedRecord>(inRoot(host, PATH.applied));
}

/** Makes the results of this boot the requirement for new versions. An unfinished phase keeps its earlier results. */
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
  // write nothing if nothing else has changed
  return JSON.stringify(record) === JSON.stringify(before) ? record : { ...record, run };
}

/** Identifies an entry by its content: its position may have changed. */
function itemKey(path: string, digest: string): string {
  return `${path.replace(/\[.*$/, "")}#${digest}`;
}

/**
 * Earlier results that are missing now, one message each. Failures of new entries, and entries that failed before, do
 * not count. A command must have succeeded twice in a row: many only succeed once (`mkdir`, `adduser`).
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

/** Source files that are unchanged and were valid, but are invalid now. */
function lostSources({ sources, broken }: AppliedRecord, outcome: Outcome): readonly string[] {
  return !broken && sources === outcome.sources ? outcome.broken : [];
}

function readJson<T>(path: string): T | undefined {
  let text: string;
  try {
    text = readTextBounded(path);
  } catch (error) {
    if (["EACCES", "EPERM"].includes((error as NodeJS.ErrnoException).code ?? "")) throw error;
    return undefined; // missing, or another type
  }
  try {
    const value: unknown = JSON.parse(text);
    return isFields(value) && isFields(value.phases) ? (value as T) : undefined;
  } catch {
    return undefined; // truncated by a power cut: treated as missing
  }
}
