import { statfsSync, statSync } from "node:fs";

export const MIB = 2 ** 20;
export const GIB = 2 ** 30;

/** `value` rounded up to a multiple of `unit`. */
export function roundUp(value: number, unit: number): number {
  return Math.ceil(value / unit) * unit;
}

/** Bytes that root can still write to the file system of a directory; 0 if it does not exist. */
export function freeBytes(path: string): number {
  if (statSync(path, { throwIfNoEntry: false }) === undefined) return 0;
  const { bavail, bsize } = statfsSync(path);
  return bavail * bsize;
}
