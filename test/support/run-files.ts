import { spawnSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statfsSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { basename, join } from "node:path";
import { NOTHING, type Outcome, readJunit } from "./report.ts";

export interface TestRun {
  /** Where Bun writes its report, as JUnit XML. */
  readonly report: string;
  /** Milliseconds for one test. */
  readonly timeout: number;
  /** Whether the files are so small that one runner spreads them over the processors; else one runs after the other. */
  readonly spread: boolean;
}

/** The command line that runs test files and writes a report. */
export function testArguments(files: readonly string[], { report, timeout, spread }: TestRun): string[] {
  // each worker reads a module once: with --isolate, reading takes most of the time
  const workers = spread ? ["--parallel", "--no-isolate"] : [];
  const reporter = ["--reporter=junit", `--reporter-outfile=${report}`];
  return [process.execPath, "test", `--timeout=${timeout}`, ...workers, ...reporter, ...files];
}

/** What a run came to, by its report, and by how the runner ended ("status 0"). */
export function readOutcome(report: string, ended: string): Outcome {
  const outcome = existsSync(report) ? readJunit(readFileSync(report, "utf8")) : NOTHING;
  // a file that breaks while it is loaded, or a runner that is killed, shows in no test case
  const unaccounted = ended !== "status 0" && outcome.failed.length === 0;
  return unaccounted
    ? { ...outcome, failed: [`${basename(report)}: the test runner ended with ${ended}`] }
    : outcome;
}

export interface Scratch extends Disposable {
  readonly path: string;
}

const GIGABYTE = 1e9;

/**
 * A directory in memory for tests that write many small files, each of which is otherwise written through to the disk:
 * half of the time of the unit tests. Undefined where `memory` is away, is small, or lets nothing be executed, as in a
 * container.
 */
export function openScratch(memory = "/dev/shm"): Scratch | undefined {
  if (!statSync(memory, { throwIfNoEntry: false })?.isDirectory()) return undefined;
  const { bavail, bsize } = statfsSync(memory);
  if (bavail * bsize < GIGABYTE) return undefined;
  const path = mkdtempSync(join(memory, "k3os-test-"));
  const remove = () => rmSync(path, { recursive: true, force: true });
  const program = join(path, "program");
  writeFileSync(program, "#!/bin/sh\n");
  chmodSync(program, 0o755);
  if (spawnSync(program).status === 0) return { path, [Symbol.dispose]: remove };
  remove();
  return undefined;
}
