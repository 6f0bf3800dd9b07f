import { existsSync } from "node:fs";
import { join, normalize } from "node:path";
import { readTextBounded } from "../fs/read-bounded.ts";
import { MARKER, RESET } from "../host/paths.ts";
import { CommandError } from "../text/errors.ts";

/** The reset that was ordered for the next boot. */
export interface ResetOrder {
  /** The marker file of the reset; its name appears in messages. */
  readonly marker: string;
  /** Absolute paths of the running system that are kept with everything below them; links in them are not followed. */
  readonly keep: readonly string[];
}

/**
 * The reset that the markers of a system directory order; undefined: none. Of several markers, the one that deletes
 * most applies. Throws CommandError for an invalid list.
 */
export function readResetOrder(system: string): ResetOrder | undefined {
  for (const marker of [RESET.everything, MARKER.ephemeral]) {
    if (existsSync(join(system, marker))) return { marker, keep: [] };
  }
  const path = join(system, RESET.keeping);
  if (!existsSync(path)) return undefined;
  try {
    return { marker: RESET.keeping, keep: parseKeepList(readTextBounded(path)) };
  } catch (cause) {
    throw new CommandError(`Cannot read "${path}"`, { cause });
  }
}

/** The text of the marker that keeps these paths. */
export function keepList(keep: readonly string[]): string {
  return `${JSON.stringify({ keep })}\n`;
}

function parseKeepList(text: string): readonly string[] {
  const { keep } = (JSON.parse(text) ?? {}) as { readonly keep?: unknown };
  if (!Array.isArray(keep) || keep.length === 0) throw new CommandError('expected a list "keep" of paths');
  return keep.map((path: unknown) => checkKeptPath(path));
}

/** A path that names one place below "/", and cannot lead out of it. Throws CommandError otherwise. */
export function checkKeptPath(path: unknown): string {
  const isPlain =
    typeof path === "string" &&
    path.startsWith("/") &&
    path !== "/" &&
    !/[\0]|\/$/.test(path) &&
    normalize(path) === path;
  if (isPlain) return path;
  throw new CommandError(
    `${JSON.stringify(path)} cannot be kept: expected an absolute path without ".." and "//"`,
  );
}
