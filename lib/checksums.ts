import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { basename, join, normalize } from "node:path";
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

/**
 * The names and digests (hexadecimal, lower case) of a checksum file. Throws CommandError for a line that is none, and
 * for a name with two digests.
 */
export function parseChecksums(text: string): Map<string, string> {
  const digests = new Map<string, string>();
  for (const line of text.split(/\r?\n/)) {
    if (line === "") continue;
    const [, digest, name] = /^([0-9a-f]{64}) [ *](.+)$/i.exec(line) ?? [];
    if (digest === undefined || name === undefined) {
      throw new CommandError(`"${line}" is no line of a checksum file`);
    }
    const known = digests.get(name);
    if (known !== undefined && known !== digest.toLowerCase()) {
      throw new CommandError(`The checksum file has two digests for "${name}"`);
    }
    digests.set(name, digest.toLowerCase());
  }
  return digests;
}

/**
 * Checks the files below `root` that a checksum file names by relative paths. Throws CommandError for the first that is
 * missing, cannot be read or has another content, and for a list without any.
 */
export async function verifyChecksums(root: string, list: string): Promise<void> {
  const digests = parseChecksums(list);
  if (digests.size === 0) throw new CommandError("The checksum file is empty");
  for (const [name, digest] of digests) {
    if (normalize(name).startsWith("../") || name.startsWith("/")) {
      throw new CommandError(`The checksum file names "${name}", which is outside`);
    }
    const path = join(root, name);
    const found = await sha256File(path).catch((cause: unknown) => {
      throw new CommandError(`Cannot read "${path}"`, { cause });
    });
    if (found !== digest)
      throw new CommandError(`"${path}" has changed: its sha256 is ${found}, wanted ${digest}`);
  }
}
