import { coerce, compare, type SemVer } from "semver";

/** The second of two versions, compared with the first. */
export type Comparison = "same" | "newer" | "older" | "unknown";

/** Words that mark a prerelease. */
const BEFORE = /^(alpha|beta|pre|rc|dev)$/i;

/**
 * Compares `to` with `from` by {@link versionOrder}. `unknown` unless both start with three numbers; versions that only
 * differ in spelling are the same.
 */
export function compareVersions(from: string, to: string): Comparison {
  if (from === to) return "same";
  const [a, b] = [split(from), split(to)];
  if (a === undefined || b === undefined) return "unknown";
  const order = compareParts(b, a);
  if (order === 0) return "same";
  return order > 0 ? "newer" : "older";
}

/**
 * The only order of versions, for sort(): the oldest first. The three numbers are compared as in semver, the rest part
 * by part, numbers as numbers: the versions of k3OS (`v0.21.1-k3s1r10`), k3s (`v1.31.2+k3s1`) and Debian's kernels
 * (`6.12.57+deb13-amd64`) all count up there, but semver only knows prereleases, and no order of builds. A text that
 * does not start with three numbers, as no release does, is before all versions.
 */
export function versionOrder(a: string, b: string): number {
  const [x, y] = [split(a), split(b)];
  const text = a < b ? -1 : Number(a > b);
  if (x === undefined && y === undefined) return compareTokens(tokens(a), tokens(b)) || text;
  if (x === undefined) return -1;
  return y === undefined ? 1 : compareParts(x, y) || text;
}

interface Parts {
  readonly core: SemVer;
  readonly rest: readonly string[];
}

function split(version: string): Parts | undefined {
  const [, core, rest = ""] = /^v?(\d+\.\d+\.\d+)(?!\d)(.*)$/.exec(version) ?? [];
  const parsed = coerce(core);
  return parsed === null ? undefined : { core: parsed, rest: rest.split("-").filter((part) => part !== "") };
}

function compareParts(a: Parts, b: Parts): number {
  const length = Math.max(a.rest.length, b.rest.length);
  const orders = Array.from({ length }, (_, i) => compareTokens(tokens(a.rest[i]), tokens(b.rest[i])));
  return compare(a.core, b.core) || (orders.find((order) => order !== 0) ?? 0);
}

function tokens(part = ""): string[] {
  return part.match(/\d+|[a-z]+/gi) ?? [];
}

function compareTokens(a: readonly string[], b: readonly string[]): number {
  for (let i = 0; i < Math.max(a.length, b.length); i++) {
    const [x, y] = [a[i], b[i]];
    const order = rank(x) - rank(y) || compareText(x ?? "", y ?? "");
    if (order !== 0) return order;
  }
  return 0;
}

/** `rc` is before the end of the version, all others after it. */
function rank(token: string | undefined): number {
  if (token === undefined) return 1;
  if (BEFORE.test(token)) return 0;
  return /^\d/.test(token) ? 3 : 2;
}

function compareText(x: string, y: string): number {
  if (/^\d/.test(x)) return Number(x) - Number(y);
  return x < y ? -1 : Number(x > y);
}
