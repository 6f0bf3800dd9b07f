/** A measured figure, and what it should be at most. */
export interface Figure {
  readonly name: string;
  readonly value: number;
  readonly unit: "×" | "MB";
  /** Undefined: only to be known. */
  readonly aim: number | undefined;
  /** What the value was made of. */
  readonly detail: string;
}

/** The middle value; the mean of the two in the middle of an even number. Throws on none. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const half = sorted.length / 2;
  const [low, high] = [sorted[Math.ceil(half) - 1], sorted[Math.floor(half)]];
  if (low === undefined || high === undefined) throw new RangeError("No values to take the median of");
  return (low + high) / 2;
}

/** Milliseconds, or bytes, of two things that are compared: each pair was measured one right after the other. */
export interface Comparison {
  readonly ours: readonly number[];
  readonly theirs: readonly number[];
}

/** The ratio of the medians; `show` writes a value, by default a time. */
export function ratio(
  name: string,
  aim: number,
  { ours, theirs }: Comparison,
  against: string,
  show: (value: number) => string = seconds,
): Figure {
  const [a, b] = [median(ours), median(theirs)];
  const middle = ours.length > 1 ? `, medians of ${ours.length}` : "";
  const detail = `${show(a)} against ${show(b)} for ${against}${middle}`;
  return { name, value: a / b, unit: "×", aim, detail };
}

/** Runs both things by turns, ours first, `times` times each; each gives the milliseconds that count. */
export async function byTurns(
  times: number,
  ours: () => Promise<number> | number,
  theirs: () => Promise<number> | number,
): Promise<Comparison> {
  const result = { ours: [] as number[], theirs: [] as number[] };
  for (let turn = 0; turn < times; turn++) {
    result.ours.push(await ours());
    result.theirs.push(await theirs());
  }
  return result;
}

/** Milliseconds that `action` takes. */
export async function duration(action: () => Promise<unknown> | unknown): Promise<number> {
  const started = performance.now();
  await action();
  return performance.now() - started;
}

/** One line of the report. */
export function figureLine({ name, value, unit, aim, detail }: Figure): string {
  const shown = unit === "×" ? `${value.toFixed(2)} ×` : `${value.toFixed(1)} MB`;
  const verdict = aim === undefined ? "" : `${value <= aim ? "pass" : "MISS"}, aim ≤ ${aim} ${unit}`;
  return `${name.padEnd(34)} ${shown.padStart(10)}  ${verdict.padEnd(20)} ${detail}`.trimEnd();
}

function seconds(milliseconds: number): string {
  return milliseconds < 1000 ? `${milliseconds.toFixed(1)} ms` : `${(milliseconds / 1000).toFixed(1)} s`;
}
