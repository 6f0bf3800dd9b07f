import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { Clock, Host, Run, RunOptions, RunResult, Shell } from "../../lib/tools/host/host.ts";
import { createLog } from "../../lib/tools/host/log.ts";

export interface TestHost extends Host, Disposable {
  /** What was logged, one entry a message, with its level: `Error: …`. */
  readonly logged: readonly string[];
  /** What was printed. */
  readonly printed: readonly string[];
  /** Programs that were run; none really is. */
  readonly programs: readonly { readonly argv: readonly string[]; readonly input: RunOptions["input"] }[];
  /** Shell lines that were run; none really is. */
  readonly lines: readonly string[];
}

export interface TestHostOptions {
  /** Files below the root, by absolute path. */
  readonly files?: Readonly<Record<string, string>>;
  readonly env?: Host["env"];
  /** What a program answers; default: status 0 and no output. */
  readonly answer?: (argv: readonly string[], options: RunOptions) => Partial<RunResult>;
  /** The exit status of a shell line; default 0. */
  readonly shell?: Shell;
}

/** A host on an empty temporary root, with a clock on which every wait takes no time, that records what it is asked. */
export function testHost(options: TestHostOptions = {}): TestHost {
  const root = mkdtempSync(join(tmpdir(), "k3os-test-"));
  for (const [path, text] of Object.entries(options.files ?? {})) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  const logged: string[] = [];
  const printed: string[] = [];
  const programs: TestHost["programs"][number][] = [];
  const lines: string[] = [];
  const run: Run = async (argv, runOptions = {}) => {
    programs.push({ argv, input: runOptions.input });
    const answer = { code: 0, stdout: "", stderr: "", ...options.answer?.(argv, runOptions) };
    if (answer.code !== 0 && runOptions.check !== false) throw new Error(`${argv[0]}: ${answer.stderr}`);
    return answer;
  };
  return {
    root,
    env: options.env ?? {},
    run,
    sh: async (line, shellOptions) => {
      lines.push(line);
      return (await options.shell?.(line, shellOptions)) ?? 0;
    },
    log: createLog((line) => logged.push(line.trimEnd()), { debug: true }),
    clock: hurriedClock(),
    print: (text) => printed.push(text),
    logged,
    printed,
    programs,
    lines,
    [Symbol.dispose]: () => rmSync(root, { recursive: true, force: true }),
  };
}

/**
 * The real time, plus all the time that was waited for without waiting. `jump`: milliseconds by which the clock is set with
 * each wait, as time synchronisation does it; durations know nothing of that.
 */
export function hurriedClock({ jump = 0 }: { readonly jump?: number } = {}): Clock {
  let [waited, set] = [0, 0];
  return {
    now: () => Date.now() + waited + set,
    monotonic: () => Math.round(performance.now()) + waited,
    sleep: async (milliseconds) => {
      waited += milliseconds;
      set += jump;
    },
  };
}
