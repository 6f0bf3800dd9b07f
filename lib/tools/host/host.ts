import { existsSync } from "node:fs";
import { CommandError } from "../text/errors.ts";
import { printableText } from "../text/printable.ts";
import { createLog, type Log } from "./log.ts";
import { mayBeTerminal, STDERR, STDOUT, writeOut } from "./output.ts";

export interface RunOptions {
  /** Standard input of the program; empty without it. */
  readonly input?: string | Uint8Array;
  /** Additional environment variables. */
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** `true` (default): throws for a status other than 0. */
  readonly check?: boolean;
  /** `inherit`: the program uses our terminal, and nothing is captured. */
  readonly stdio?: "capture" | "inherit";
  /** Milliseconds after which the program is killed and the call throws. */
  readonly timeout?: number;
}

export interface RunResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Runs a program: an argument vector, never a shell line.
 * Throws CommandError if it cannot be started, times out, or (with `check`) exits with a status other than 0.
 */
export type Run = (argv: readonly string[], options?: RunOptions) => Promise<RunResult>;

export interface ShellOptions {
  /** Additional environment variables. */
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** The destination of the output, apart from errors, if not our own standard output. */
  readonly output?: "stderr";
}

/**
 * Runs a user's shell line unchanged on our own terminal; this is the only access to a shell. Never build such a line
 * in the program. Returns the exit status, 128 plus its number for a signal.
 */
export type Shell = (line: string, options?: ShellOptions) => Promise<number>;

/**
 * All effects of the product, as one plain value. Functions take it last, narrowed by Pick to the part that they use.
 */
export interface Host {
  /** Prefix of every system path: "/" in production, a temporary directory in tests. */
  readonly root: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly run: Run;
  readonly sh: Shell;
  readonly log: Log;
  readonly clock: Clock;
  /** Writes results to standard output; on a terminal without control characters. */
  readonly print: (text: string) => void;
  /** Reports progress in bytes; undefined: on standard error, see showProgress(). */
  readonly progress?: (label: string, total?: number) => Progress;
  /** Reports a finding to a listening program (`--json`), so that it need not parse messages. */
  readonly tell?: (finding: Finding) => void;
}

/** The display of an action's progress. */
export interface Progress {
  /** `done` of `total` bytes, if the total is known by now. */
  update(done: number, total?: number): void;
  /** Shows the end result. Later calls do nothing. */
  finish(): void;
  /** Ends the line unfinished after a failure; does nothing after `finish`. */
  [Symbol.dispose](): void;
}

/** A report for programs only, by {@link Host.tell}: users get the same facts in messages. */
export type Finding =
  /** Whether a part of the configuration is in effect; `path` is the entry concerned, absent for the whole part. */
  | {
      readonly event: "applier";
      readonly phase: string;
      readonly name: string;
      readonly ok: boolean;
      readonly errors?: readonly { readonly path?: string; readonly message: string }[];
    }
  /** The result that a command was run for. */
  | { readonly event: "result"; readonly value: object };

export interface Clock {
  /** Milliseconds since the epoch, for time stamps: jumps when the clock is set. */
  now(): number;
  /** Milliseconds since an arbitrary time, for durations: not affected when the clock is set. */
  monotonic(): number;
  sleep(milliseconds: number): Promise<void>;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => Math.round(performance.now()),
  sleep: (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds)),
};

/** The real host of the program. Its log goes to standard error unless the caller passes another. */
export function systemHost(options: { debug?: boolean; root?: string; log?: Log } = {}): Host {
  const log = options.log ?? createLog((line) => writeOut(STDERR, line), options);
  return {
    root: options.root ?? "/",
    env: process.env,
    run: (argv, runOptions) => {
      log.debug(`running ${quoteArgv(argv)}`);
      return runProgram(argv, runOptions);
    },
    sh: runShell,
    log,
    clock: systemClock,
    print: (text) => writeOut(STDOUT, mayBeTerminal(STDOUT) ? printableText(text) : text),
  };
}

/** An argument vector as a line for a POSIX shell. */
export function quoteArgv(argv: readonly string[]): string {
  return argv
    .map((arg) => (/^[\w@%+=:,./-]+$/.test(arg) ? arg : `'${arg.replaceAll("'", "'\\''")}'`))
    .join(" ");
}

/** {@link Run} with node:child_process: needs no shell, so it works in an initrd. */
export async function runProgram(argv: readonly string[], options: RunOptions = {}): Promise<RunResult> {
  const [file, ...args] = argv;
  if (file === undefined) throw new TypeError("runProgram() needs a program name");
  const { spawn } = await import("node:child_process");
  const inherit = options.stdio === "inherit";
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, {
      cwd: options.cwd,
      env: options.env === undefined ? process.env : { ...process.env, ...options.env },
      stdio: inherit ? "inherit" : "pipe", // never "ignore": it must work without /dev/null
      timeout: options.timeout,
      killSignal: "SIGKILL",
    });
    const stdout: Buffer[] = [];
    const stderr: Buffer[] = [];
    child.stdout?.on("data", (chunk: Buffer) => stdout.push(chunk));
    child.stderr?.on("data", (chunk: Buffer) => stderr.push(chunk));
    child.stdin?.on("error", () => undefined); // the program may end without reading its input: its status decides
    child.stdin?.end(options.input);
    child.on("error", (cause) => reject(new CommandError(`Cannot run ${quoteArgv(argv)}`, { cause })));
    child.on("close", (status, signal) => {
      const result = {
        code: status ?? 128,
        stdout: Buffer.concat(stdout).toString(),
        stderr: Buffer.concat(stderr).toString(),
      };
      if (status === 0 || (options.check === false && signal === null)) resolve(result);
      else reject(programFailure(argv, signal ?? `exit status ${status}`, result));
    });
  });
}

function programFailure(argv: readonly string[], how: string, result: RunResult): CommandError {
  const output = (result.stderr.trim() || result.stdout.trim()).split("\n").slice(-5).join("\n");
  return new CommandError(`${quoteArgv(argv)} failed (${how})${output === "" ? "" : `: ${output}`}`);
}

/** bash, since lines for the original's shell use `source` and `[[`, which Debian's sh lacks; else sh. */
const SHELLS = ["/bin/bash", "/bin/sh"];

/** {@link Shell} with zx, imported only on use. */
export async function runShell(line: string, options: ShellOptions = {}): Promise<number> {
  const { $ } = await import("zx/core");
  const { constants } = await import("node:os");
  const shell = SHELLS.find((path) => existsSync(path)) ?? "sh";
  const run = $({
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    env: { ...process.env, ...options.env },
    shell,
    // zx would set bash options, quote for bash, and start a session of its own
    prefix: "",
    postfix: "",
    quote: (text) => text,
    detached: false,
    stdio: options.output === "stderr" ? ["inherit", STDERR, "inherit"] : "inherit",
    nothrow: true,
  });
  const { exitCode, signal } = await run(Object.assign([line], { raw: [line] }));
  return exitCode ?? 128 + (signal === null ? 0 : constants.signals[signal]);
}
