import { existsSync } from "node:fs";
import { CommandError } from "../text/errors.ts";
import { printableText } from "../text/printable.ts";
import { createLog, type Log } from "./log.ts";
import { mayBeTerminal, STDERR, STDOUT, writeOut } from "./output.ts";

export interface RunOptions {
  /** Written to the program's standard input; without it the program reads end of file. */
  readonly input?: string | Uint8Array;
  /** Added to the environment. */
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** `true` (default): a status other than 0 throws. */
  readonly check?: boolean;
  /** `inherit`: the program shares our terminal and nothing is captured. */
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
 * Throws CommandError when it cannot be started, runs out of time, or (with `check`) exits with another status than 0.
 */
export type Run = (argv: readonly string[], options?: RunOptions) => Promise<RunResult>;

export interface ShellOptions {
  /** Added to the environment. */
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** Where the output goes besides errors, if not to our own standard output. */
  readonly output?: "stderr";
}

/**
 * Runs a shell line that a user wrote, as it stands, on our own terminal; the only way to a shell. Nothing of ours is
 * ever put together into such a line. Returns the exit status, 128 plus its number for a signal.
 */
export type Shell = (line: string, options?: ShellOptions) => Promise<number>;

/** All effects of the product, as one plain value; functions take it last, narrowed by Pick to what they use. */
export interface Host {
  /** Prefix of every system path: "/" in production, a temporary directory in tests. */
  readonly root: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly run: Run;
  readonly sh: Shell;
  readonly log: Log;
  readonly clock: Clock;
  /** Writes results to standard output; on a terminal without what would be a command to it. */
  readonly print: (text: string) => void;
  /** How it is told how far something has got, in bytes; undefined: on standard error, see showProgress(). */
  readonly progress?: (label: string, total?: number) => Progress;
  /** Tells a program that listens (`--json`) what it need not read out of messages. */
  readonly tell?: (finding: Finding) => void;
}

/** How far something has got, as whoever follows it is shown. */
export interface Progress {
  /** `done` bytes of what is now known to be `total` in all. */
  update(done: number, total?: number): void;
  /** Shows the end result. Later calls do nothing. */
  finish(): void;
  /** Ends the line where it stands, when the work failed; after `finish` it does nothing. */
  [Symbol.dispose](): void;
}

/** What is told to programs alone, by {@link Host.tell}: people are told the same in other words. */
export type Finding =
  /** A part of the configuration is in effect, or not; `path` is the entry concerned, absent if it is the whole part. */
  | {
      readonly event: "applier";
      readonly phase: string;
      readonly name: string;
      readonly ok: boolean;
      readonly errors?: readonly { readonly path?: string; readonly message: string }[];
    }
  /** What a command was asked to find out. */
  | { readonly event: "result"; readonly value: object };

export interface Clock {
  /** Milliseconds since the epoch, for time stamps: whoever sets the clock makes it jump. */
  now(): number;
  /** Milliseconds since some moment before this program began, for durations: nothing but time changes it. */
  monotonic(): number;
  sleep(milliseconds: number): Promise<void>;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => Math.round(performance.now()),
  sleep: (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds)),
};

/** The host that the program really runs on; its log goes to standard error unless the caller has another. */
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

/** An argument vector as a line that can be pasted into a POSIX shell. */
export function quoteArgv(argv: readonly string[]): string {
  return argv
    .map((arg) => (/^[\w@%+=:,./-]+$/.test(arg) ? arg : `'${arg.replaceAll("'", "'\\''")}'`))
    .join(" ");
}

/** {@link Run} by node:child_process: needs no shell, so it works in an initrd. */
export async function runProgram(argv: readonly string[], options: RunOptions = {}): Promise<RunResult> {
  const [file, ...args] = argv;
  if (file === undefined) throw new TypeError("runProgram() needs a program name");
  const { spawn } = await import("node:child_process");
  const inherit = options.stdio === "inherit";
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, {
      cwd: options.cwd,
      env: options.env === undefined ? process.env : { ...process.env, ...options.env },
      stdio: inherit ? "inherit" : "pipe", // never "ignore": a root without /dev/null must do
      timeout: options.timeout,
      killSignal: "SIGKILL",
    });
    const stdout: Buffer[] = [];
    const stderr: Buffer[] = [];
    child.stdout?.on("data", (chunk: Buffer) => stdout.push(chunk));
    child.stderr?.on("data", (chunk: Buffer) => stderr.push(chunk));
    child.stdin?.on("error", () => undefined); // the program may end without reading its input: its status tells
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

/** bash, since lines written for the original's shell use `source` and `[[`, which Debian's sh lacks; else sh. */
const SHELLS = ["/bin/bash", "/bin/sh"];

/** {@link Shell} by zx, imported only when a line is really run. */
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
