import { readdirSync, statSync } from "node:fs";
import { open } from "node:fs/promises";
import { dirname, join } from "node:path";
import { checkDigest, sha256File } from "../fs/checksums.ts";
import { type CopyWatch, copyContent } from "../fs/copy-content.ts";
import { contentOf, openRegular } from "../fs/read-bounded.ts";
import { isFields, readRecord } from "../fs/record.ts";
import { CommandError } from "../text/errors.ts";

/**
 * A file as its difference from a base. In the container image, the large and stable part of a file is in a layer of
 * its own, so that an upgrade only pulls the small part that has changed. `FILE.delta` has this record in JSON, and
 * `FILE.delta-data` the changed bytes, one range after the other.
 */
export interface Delta {
  /** The path of the base, relative to the directory of the record. */
  readonly base: string;
  /** Bytes of the result: no fewer than the base has. */
  readonly size: number;
  /** Of the result, in hexadecimal. */
  readonly sha256: string;
  /** The ranges that differ from the base, in ascending order: offset and length in bytes. */
  readonly changes: readonly (readonly [offset: number, length: number])[];
}

export const DELTA = { record: ".delta", data: ".delta-data" } as const;

/** An entry of a version's directory: a file, link or directory, or a file that a delta describes. */
export interface VersionEntry {
  readonly name: string;
  readonly delta?: Delta;
}

/** The entries of a directory, in which a delta counts as the file that it describes. Throws CommandError for an invalid delta. */
export function versionEntries(directory: string): VersionEntry[] {
  return readdirSync(directory).flatMap((name): VersionEntry[] => {
    if (name.endsWith(DELTA.data)) return [];
    if (!name.endsWith(DELTA.record)) return [{ name }];
    const delta = readRecord(join(directory, name), checkDelta);
    return delta === undefined ? [] : [{ name: name.slice(0, -DELTA.record.length), delta }];
  });
}

/**
 * Writes the file that a delta describes. `path` is the name that it has in its directory. Throws CommandError if the
 * result is not the described file, and as {@link copyContent} does.
 */
export async function writeFromDelta(
  path: string,
  { base, size, sha256, changes }: Delta,
  to: string,
  watch: CopyWatch,
): Promise<void> {
  await copyContent(join(dirname(path), base), to, watch);
  const copied = statSync(to).size;
  {
    using data = openRegular(`${path}${DELTA.data}`, { follow: false });
    await using target = await open(to, "r+");
    const ranges = changes.values();
    let range = ranges.next().value;
    let done = 0; // of this range
    for await (const piece of contentOf(data)) {
      watch.signal.throwIfAborted();
      for (let used = 0; used < piece.length && range !== undefined; ) {
        const [offset, length] = range;
        const part = piece.subarray(used, used + length - done);
        await target.write(part, 0, part.length, offset + done);
        used += part.length;
        done += part.length;
        if (done < length) continue;
        range = ranges.next().value;
        done = 0;
      }
    }
  }
  watch.onPiece(Math.max(0, size - copied));
  if (statSync(to).size !== size) throw new CommandError(`"${path}" is incomplete in the source`);
  checkDigest(path, await sha256File(to), sha256);
}

function checkDelta(value: unknown): Delta {
  const { base, size, sha256, changes } = isFields(value) ? value : {};
  const isRange = (range: unknown) =>
    Array.isArray(range) && range.length === 2 && range.every(Number.isSafeInteger);
  if (
    typeof base === "string" &&
    Number.isSafeInteger(size) &&
    typeof sha256 === "string" &&
    Array.isArray(changes) &&
    changes.every(isRange)
  ) {
    return value as Delta;
  }
  throw new CommandError("it does not describe a file");
}
