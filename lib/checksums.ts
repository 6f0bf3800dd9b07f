import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { basename } from "node:path";
import { pipeline } from "node:stream/promises";
import { CommandError } from "./errors.ts";

/** The text of a checksum file, as sha256sum(1) writes and checks it: base names, sorted. */
export async function checksumFile(files: readonly string[]): Promise<string> {
  const lines: string[] = [];
  for (const file of files.toSorted()) lines.push(`${await sha256File(file)}  ${basename(file)}\n`);
  return lines.join("");
}

/** The SHA-256 of a file's content, in hexadecimal. */
export async function sha256File(file: string): Promise<string> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(file), hash);
  return hash.digest("hex");
}

/** `DIGEST  NAME` or `DIGEST *NAME`; names that could be a path, an option or a hidden file are none of ours. */
const LINE = /^([0-9a-f]{64}) [ *](\w[\w.+~-]*)$/i;

/**
 * The digests (hexadecimal, lower case) by name in the text of a checksum file. Throws CommandError for a line that is
 * not sha256sum's, a name that is not a plain base name, and two digests for one name.
 */
export function parseChecksums(text: string): ReadonlyMap<string, string> {
  const digests = new Map<string, string>();
  for (const [i, line] of text.replace(/\n$/, "").split("\n").entries()) {
    const [, digest, name] = LINE.exec(line) ?? [];
    if (digest === undefined || name === undefined) {
      throw new CommandError(`Line ${i + 1} of the checksums is not a SHA-256 digest and a base name`);
    }
    const lower = digest.toLowerCase();
    if ((digests.get(name) ?? lower) !== lower) {
      throw new CommandError(`The checksums hold two different digests for "${name}"`);
    }
    digests.set(name, lower);
  }
  return digests;
}
