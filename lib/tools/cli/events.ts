import type { Finding, Host, Progress } from "../host/host.ts";
import { timeStamp } from "../host/time-stamp.ts";
import { CommandError, EXIT, messageOf } from "../text/errors.ts";

/** An event, printed as a line of standard output; each line also has the `time` (RFC 3339). See docs/events.md. */
export type Event =
  | {
      readonly event: "message";
      readonly level: "debug" | "info" | "warning" | "error";
      readonly text: string;
    }
  /** Bytes; `total` is absent if unknown. */
  | { readonly event: "progress"; readonly label: string; readonly done: number; readonly total?: number }
  /** The output of the command without the option: a plan, a result. */
  | { readonly event: "output"; readonly text: string }
  | Finding
  /** Always the last event. */
  | { readonly event: "end"; readonly ok: boolean; readonly error?: string; readonly hint?: string };

/** Milliseconds between two events of the same progress. */
const PROGRESS_EVERY = 1000;

/**
 * Runs a command's action, which returns the exit status, and prints all its reports as events. An error becomes the
 * last event and is rethrown, so that the exit status and standard error are the same as without the option.
 */
export async function withEvents(host: Host, action: (host: Host) => Promise<number>): Promise<number> {
  const tell = (event: Event) => {
    host.print(`${JSON.stringify({ time: timeStamp(host), ...event })}\n`);
  };
  try {
    const status = await action(eventHost(host, tell));
    tell({ event: "end", ok: status === EXIT.done });
    return status;
  } catch (error) {
    const hint = error instanceof CommandError ? error.hint : undefined;
    tell({ event: "end", ok: false, error: messageOf(error), ...(hint === undefined ? {} : { hint }) });
    throw error;
  }
}

/** Runs a command's action, which returns the exit status, and prints only its reported result, as one line of JSON. */
export async function withResult(host: Host, action: (host: Host) => Promise<number>): Promise<number> {
  const tell = (finding: Finding) => {
    if (finding.event === "result") host.print(`${JSON.stringify(finding.value)}\n`);
  };
  return await action({ ...host, print: () => undefined, tell });
}

function eventHost(host: Host, tell: (event: Event) => void): Host {
  const message = (level: "debug" | "info" | "warning" | "error") => (text: string) => {
    tell({ event: "message", level, text });
  };
  return {
    ...host,
    log: {
      debug: message("debug"),
      info: message("info"),
      warn: message("warning"),
      error: message("error"),
    },
    print: (text) => tell({ event: "output", text }),
    progress: (label, total) => eventProgress(label, total, host, tell),
    tell,
    sh: (line, options) => host.sh(line, { ...options, output: "stderr" }),
  };
}

function eventProgress(
  label: string,
  first: number | undefined,
  { clock }: Pick<Host, "clock">,
  tell: (event: Event) => void,
): Progress {
  let [done, total, reported] = [0, first, Number.NEGATIVE_INFINITY];
  const report = () => {
    reported = clock.monotonic();
    tell({ event: "progress", label, done, ...(total === undefined ? {} : { total }) });
  };
  return {
    update: (bytes, all) => {
      done = bytes;
      total = all ?? total;
      if (clock.monotonic() - reported >= PROGRESS_EVERY) report();
    },
    finish: report,
    [Symbol.dispose]: () => undefined,
  };
}
