import { UsageError } from "./errors.ts";

/** curl(1), --limit-rate: bytes per second, or with a suffix in steps of 1024; a byte may be named. */
const RATE = /^(\d{1,9}(?:\.\d{1,3})?)([KMGTP]?)B?$/i;
const UNITS = ["", "K", "M", "G", "T", "P"];

/** The bytes per second of a rate as curl's `--limit-rate` takes it, such as `500K` or `2M`. Throws UsageError. */
export function parseRate(text: string): number {
  const [, number, unit = ""] = RATE.exec(text.trim()) ?? [];
  const rate = Math.floor(Number(number) * 1024 ** UNITS.indexOf(unit.toUpperCase()));
  if (rate >= 1) return rate;
  throw new UsageError(`Invalid rate ${JSON.stringify(text)}: expected bytes per second, such as 500K or 2M`);
}
