import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { basename } from "node:path";
import { pipeline } from "node:stream/promises";

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
