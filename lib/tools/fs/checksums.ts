import { createHash } from "node:crypto";
import { basename, join } from "node:path";
import { CommandError } from "../text/errors.ts";
import { contentOf, type OpenedFile, openRegular } from "./read-bounded.ts";

/** The text of a checksum file, as sha256sum(1) writes and checks it: base names, sorted. */
export async function checksumFile(files: readonly string[]): Promise<string> {
  const lines: string[] = [];
  for (const file of files.toSorted()) lines.push(`${await sha256File(file)}  ${basename(file)}\n`);
  return lines.join("");
}

/** The SHA-256 of a file's content, in hexadecimal. */
export async function sha256File(file: string): Promise<string> {
  using opened = openRegular(file);
  return await sha256Opened(opened);
}

/** {@link sha256File} of an open file. */
export async function sha256Opened(file: Pick<OpenedFile, "fd" | "size">): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of contentOf(file, Buffer.allocUnsafe(1 << 20))) hash.update(chunk);
  return hash.digest("hex");
}

/** The content does not have the expected digest. */
export class DigestError extends CommandError {
  override readonly name = "DigestError";
}

/**
 * Throws DigestError unless the found digest is the expected one, both SHA-256 in hexadecimal; `name` is for the
 * message.
 */
export function checkDigest(name: string, found: string, wanted: string | undefined): void {
  if (wanted === undefined || found === wanted.toLowerCase()) return;
  throw new DigestError(`"${name}" is not the expected file: its sha256 is ${found}, expected ${wanted}`);
}

/** `DIGEST  NAME` or `DIGEST *NAME`. */
const LINE = /^([0-9a-f]{64}) [ *](.+)$/i;

/** The valid names in a list. */
const NAMES = {
  /** Excludes names that could be a path, an option or a hidden file. */
  "base name": /^\w[\w.+~-]*$/,
  /** Excludes paths that lead out of the directory. */
  "relative path": /^(?!\/|(?:.*\/)?\.\.(?:\/|$)).+$/,
} as const;

/**
 * The digests (hexadecimal, lower case) by name in the text of a checksum file. Lines that start with `#` are skipped, as
 * by GNU's sha256sum and Perl's shasum. Throws CommandError for another line that is not sha256sum's, an invalid name, and
 * two digests for one name.
 */
export function parseChecksums(
  text: string,
  form: keyof typeof NAMES = "base name",
): ReadonlyMap<string, string> {
  const digests = new Map<string, string>();
  for (const [i, line] of text.replace(/\n$/, "").split("\n").entries()) {
    if (line.startsWith("#")) continue;
    const [, digest, name] = LINE.exec(line) ?? [];
    if (digest === undefined || name === undefined || !NAMES[form].test(name)) {
      throw new CommandError(`Line ${i + 1} of the checksums is not a SHA-256 digest and a ${form}`);
    }
    const lower = digest.toLowerCase();
    if ((digests.get(name) ?? lower) !== lower) {
      throw new CommandError(`The checksums hold two different digests for "${name}"`);
    }
    digests.set(name, lower);
  }
  return digests;
}

/**
 * Checks the files below `root` that a checksum file lists by relative path. Throws CommandError for the first file
 * that is missing, unreadable or different, and for a list that {@link parseChecksums} refuses.
 */
export async function verifyChecksums(root: string, list: string): Promise<void> {
  for (const [name, digest] of parseChecksums(list, "relative path")) {
    const path = join(root, name);
    const found = await sha256File(path).catch((cause: unknown) => {
      throw new CommandError(`Cannot read "${path}"`, { cause });
    });
    if (found !== digest) {
      throw new CommandError(`"${path}" has changed: its sha256 is ${found}, expected ${digest}`);
    }
  }
}
