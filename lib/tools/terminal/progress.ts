import type { Clock, Host, Progress } from "../host/host.ts";
import { printable } from "../text/printable.ts";

/** The output for progress: `process.stderr`, or any text stream. */
export interface ProgressStream {
  write(text: string): unknown;
  /** True: one line that is redrawn; else plain lines, for logs and serial consoles. */
  readonly isTTY?: boolean;
  /** 0 if the terminal does not know it, as on a serial line. */
  readonly columns?: number;
}

const REDRAW_EVERY = 100;
const LINE_EVERY = 10_000;
const LINE_EVERY_PERCENT = 10;
const RATE_WINDOW = 5_000;

/**
 * Shows the progress of a number of bytes: on a terminal a bar with rate and time left, elsewhere a line for every
 * tenth or every ten seconds, the later one for short and the earlier one for long work. `total` is undefined if
 * unknown.
 */
export function createProgress(
  name: string,
  total: number | undefined,
  stream: ProgressStream,
  clock: Pick<Clock, "monotonic"> = { monotonic: () => performance.now() },
): Progress {
  const label = printable(name);
  const started = clock.monotonic();
  const rate = createRate(started);
  const state = { done: 0, total };
  let shownAt = started;
  let shownPercent = 0;
  let ended = false;

  const isDue = (now: number): boolean => {
    if (stream.isTTY) return now - shownAt >= REDRAW_EVERY;
    const percent = percentOf(state);
    if (percent !== undefined && percent >= shownPercent + LINE_EVERY_PERCENT) return true;
    return now - shownAt >= LINE_EVERY;
  };
  const show = (now: number) => {
    shownAt = now;
    shownPercent = Math.floor((percentOf(state) ?? 0) / LINE_EVERY_PERCENT) * LINE_EVERY_PERCENT;
    const text = describe(label, state, rate.at(now));
    if (!stream.isTTY) stream.write(`${text}\n`);
    else stream.write(`\r${withBar(text, state, (stream.columns || 80) - 1)}\x1b[K`);
  };
  const clearLine = stream.isTTY ? "\r\x1b[K" : "";

  return {
    update: (done, newTotal) => {
      if (ended) return;
      state.done = done;
      state.total = newTotal ?? state.total;
      const now = clock.monotonic();
      rate.add(now, done);
      if (isDue(now)) show(now);
    },
    finish: () => {
      if (ended) return;
      ended = true;
      const seconds = (clock.monotonic() - started) / 1000;
      const mean = seconds > 0 ? `, ${formatBytes(state.done / seconds)}/s` : "";
      const took = `${formatBytes(state.done)} in ${formatDuration(seconds)}${mean}`;
      stream.write(`${clearLine}${label}: ${took}\n`);
    },
    [Symbol.dispose]: () => {
      if (!ended && stream.isTTY) stream.write("\n");
      ended = true;
    },
  };
}

/** {@link createProgress} on standard error, or in the host's own way. */
export function showProgress(
  label: string,
  total: number | undefined,
  host: Pick<Host, "progress">,
): Progress {
  return host.progress?.(label, total) ?? createProgress(label, total, process.stderr);
}

interface State {
  readonly done: number;
  readonly total: number | undefined;
}

function percentOf({ done, total }: State): number | undefined {
  return total === undefined || total <= 0 ? undefined : Math.min(100, (done / total) * 100);
}

/** `Downloading k3os.iso: 42 %, 120 MiB of 300 MiB, 12 MiB/s, 0:15 left` */
function describe(label: string, state: State, bytesPerSecond: number | undefined): string {
  const percent = percentOf(state);
  const parts: string[] = [];
  if (percent !== undefined) parts.push(`${Math.floor(percent)} %`);
  const whole = state.total === undefined ? "" : ` of ${formatBytes(state.total)}`;
  parts.push(`${formatBytes(state.done)}${whole}`);
  if (bytesPerSecond !== undefined && bytesPerSecond > 0) {
    parts.push(`${formatBytes(bytesPerSecond)}/s`);
    const left = (state.total ?? state.done) - state.done;
    if (left > 0) parts.push(`${formatDuration(left / bytesPerSecond)} left`);
  }
  return `${label}: ${parts.join(", ")}`;
}

/** The text with a bar after it, if at least ten columns are left; never wider than `width`. */
function withBar(text: string, state: State, width: number): string {
  const percent = percentOf(state);
  const room = Math.min(40, width - text.length - 3);
  if (percent === undefined || room < 10) return text.slice(0, width);
  const filled = Math.round((percent / 100) * room);
  return `${text} [${"=".repeat(filled)}${" ".repeat(room - filled)}]`;
}

/** The rate over the last seconds, so that it follows the network. */
function createRate(started: number) {
  let samples = [{ at: started, done: 0 }];
  let latest = 0;
  return {
    add: (at: number, done: number) => {
      latest = done;
      if (at - (samples.at(-1)?.at ?? 0) < REDRAW_EVERY) return;
      const recent = samples.filter((sample) => at - sample.at <= RATE_WINDOW);
      samples = [...(recent.length > 0 ? recent : samples.slice(-1)), { at, done }];
    },
    at: (now: number): number | undefined => {
      const [first] = samples;
      if (first === undefined || now <= first.at) return undefined;
      return ((latest - first.done) * 1000) / (now - first.at);
    },
  };
}

const UNITS = ["B", "KiB", "MiB", "GiB", "TiB"];

/** A number of bytes for display: three digits and a binary unit, `512 B`, `1.5 MiB`, `120 MiB`. */
export function formatBytes(bytes: number): string {
  const exponent = Math.min(UNITS.length - 1, Math.floor(Math.log2(Math.max(1, bytes)) / 10));
  const value = bytes / 1024 ** exponent;
  return `${value < 10 && exponent > 0 ? value.toFixed(1) : Math.round(value)} ${UNITS[exponent]}`;
}

/** Seconds for display: `0.4 s`, `12 s`, `3:05`, `1:02:03`. */
export function formatDuration(seconds: number): string {
  if (seconds < 1) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  const two = (value: number) => String(value).padStart(2, "0");
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60];
  return hours === 0 ? `${minutes}:${two(whole % 60)}` : `${hours}:${two(minutes)}:${two(whole % 60)}`;
}
