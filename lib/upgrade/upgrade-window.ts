import type { Host } from "../tools/host/host.ts";
import { OrderError, UsageError } from "../tools/text/errors.ts";

/** A time of the week, by the clock of the node, in which an upgrade may work. */
export interface Window {
  /** Days on which it opens: 0 is Sunday. */
  readonly days: readonly number[];
  /** Minutes since midnight. */
  readonly start: number;
  /** Minutes since midnight; not later than the start: on the next day. */
  readonly end: number;
}

const DAYS = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];
const FORM = /^(?:([a-z,-]+)\s+)?(\d{2}):(\d{2})\s*-\s*(\d{2}):(\d{2})$/i;
const MINUTE = 60_000;

/** Parses windows such as `Mon-Fri 02:00-05:00`, `Sat,Sun 22:00-04:00` or `02:00-05:00`, separated by `;`. Throws UsageError. */
export function parseWindows(texts: readonly string[]): readonly Window[] {
  const all = texts.flatMap((text) => text.split(";")).map((text) => text.trim());
  return all.filter((text) => text !== "").map(parseWindow);
}

function parseWindow(text: string): Window {
  const [, names, ...numbers] = FORM.exec(text) ?? [];
  const [h0 = Number.NaN, m0 = 0, h1 = 0, m1 = 0] = numbers.map(Number);
  const days = names === undefined ? [...DAYS.keys()] : parseDays(names);
  const [start, end] = [h0 * 60 + m0, h1 * 60 + m1];
  if (days !== undefined && start < 1440 && end <= 1440 && m0 < 60 && m1 < 60 && start !== end) {
    return { days, start, end };
  }
  throw new UsageError(
    `Invalid window ${JSON.stringify(text)}: expected days and times such as "Mon-Fri 02:00-05:00"`,
  );
}

function parseDays(names: string): readonly number[] | undefined {
  const days = names
    .toLowerCase()
    .split(",")
    .flatMap((range) => {
      const ends = range.split("-");
      const [from = -1, to = from] = ends.map((name) => DAYS.indexOf(name));
      if (ends.length > 2 || from < 0 || to < 0) return [undefined];
      return Array.from({ length: ((to - from + 7) % 7) + 1 }, (_, i) => (from + i) % 7);
    });
  return days.every((day) => day !== undefined) ? days : undefined;
}

/** The openings around a time, the earliest first, in milliseconds since the epoch. */
function openings(
  windows: readonly Window[],
  now: number,
): { readonly start: number; readonly end: number }[] {
  const today = new Date(now);
  const at = (offset: number, minutes: number) =>
    new Date(today.getFullYear(), today.getMonth(), today.getDate() + offset, 0, minutes).getTime();
  return windows
    .flatMap(({ days, start, end }) =>
      [-1, 0, 1, 2, 3, 4, 5, 6, 7].flatMap((offset) => {
        const opens = at(offset, start);
        if (!days.includes(new Date(opens).getDay())) return [];
        return [{ start: opens, end: at(end > start ? offset : offset + 1, end) }];
      }),
    )
    .sort((a, b) => a.start - b.start);
}

/** Whether a window is open: until when, or when one opens, in milliseconds since the epoch. */
export function windowAt(
  windows: readonly Window[],
  now: number,
): { readonly kind: "open"; readonly until: number } | { readonly kind: "closed"; readonly opens: number } {
  let until = now;
  for (const { start, end } of openings(windows, now)) if (start <= until) until = Math.max(until, end);
  if (until > now) return { kind: "open", until };
  return { kind: "closed", opens: openings(windows, now).find(({ start }) => start > now)?.start ?? now };
}

/**
 * A signal that aborts when the windows close; never without windows. Throws OrderError if none is open.
 */
export function withinWindows(
  windows: readonly Window[],
  host: Pick<Host, "clock">,
): Disposable & { readonly signal: AbortSignal } {
  const controller = new AbortController();
  if (windows.length === 0) return { signal: controller.signal, [Symbol.dispose]: () => undefined };
  const now = host.clock.now();
  const state = windowAt(windows, now);
  if (state.kind === "closed") {
    throw new OrderError(
      `No window for upgrades is open now: the next one opens at ${localTime(state.opens)}`,
      {
        hint: "run the upgrade again then; to upgrade at once, leave out --window",
      },
    );
  }
  const close = () =>
    controller.abort(
      new OrderError("The window for upgrades has closed: the next upgrade continues with what has arrived"),
    );
  const timer = setTimeout(close, state.until - now);
  return { signal: controller.signal, [Symbol.dispose]: () => clearTimeout(timer) };
}

/** `2026-12-02 02:00` in the node's time zone. */
function localTime(time: number): string {
  const local = new Date(time - new Date(time).getTimezoneOffset() * MINUTE);
  return local.toISOString().slice(0, 16).replace("T", " ");
}
