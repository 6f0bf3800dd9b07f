import { lstatSync, rmSync } from "node:fs";
import { writeFileAtomic } from "../fs/atomic.ts";
import { contentOf, openRegular } from "../fs/read-bounded.ts";
import { isFields, readRecord } from "../fs/record.ts";
import { CommandError } from "../text/errors.ts";
import type { Held } from "./http-receive.ts";

/** What the beginning of a download belongs to; in JSON beside it, as `FILE.json`. */
export interface Partial {
  /** A strong ETag or a date; undefined: the server cannot continue. */
  readonly validator: string | undefined;
  /** The expected digest of the whole, in hexadecimal. */
  readonly sha256: string;
}

/** Records what a partial file belongs to, before its first byte is written. Throws CommandError. */
export function recordPartial(file: string, { validator, sha256 }: Partial): void {
  if (validator === undefined) rmSync(recordOf(file), { force: true });
  else writeFileAtomic(recordOf(file), `${JSON.stringify({ validator, sha256 })}\n`);
}

/**
 * The beginning of a download, if a partial file holds one of the content with this digest and size in bytes. A damaged
 * record is as none. It is not verified: a power cut may have damaged it.
 */
export function readHeld(
  file: string,
  expected: { readonly sha256: string; readonly size?: number | undefined },
): (Held & { readonly size: number }) | undefined {
  const found = lstatSync(file, { throwIfNoEntry: false });
  if (!found?.isFile() || found.size === 0 || found.size > (expected.size ?? Number.POSITIVE_INFINITY)) {
    return undefined;
  }
  const record = readPartial(recordOf(file));
  if (record?.validator === undefined || record.sha256 !== expected.sha256) return undefined;
  return { validator: record.validator, size: found.size, content: pieces(file) };
}

/** Removes a partial file and its record. */
export function removePartial(file: string): void {
  rmSync(file, { force: true });
  rmSync(recordOf(file), { force: true });
}

function recordOf(file: string): string {
  return `${file}.json`;
}

async function* pieces(file: string): AsyncGenerator<Uint8Array> {
  using opened = openRegular(file, { follow: false });
  yield* contentOf(opened, Buffer.allocUnsafe(1 << 20));
}

function readPartial(path: string): Partial | undefined {
  try {
    return readRecord(path, checkPartial);
  } catch {
    return undefined; // without the record the download starts again
  }
}

function checkPartial(value: unknown): Partial {
  const { validator, sha256 } = isFields(value) ? value : {};
  if (typeof validator === "string" && /^[\x20-\x7e]+$/.test(validator) && typeof sha256 === "string") {
    return { validator, sha256 };
  }
  throw new CommandError("it does not describe a download");
}
