import { createHash, type Hash } from "node:crypto";
import { closeSync, lstatSync, openSync, readdirSync, readlinkSync, readSync, type Stats } from "node:fs";
import { join } from "node:path";

const CHUNK = 1 << 20;

/**
 * `git`: for project files, only the attributes that git stores; `all`: for results, also the owner and the full mode.
 */
export type Attributes = "git" | "all";

/**
 * A SHA-256 of a file, or of a directory with everything below it: names, types, attributes, contents; links are not
 * followed.
 */
export function contentDigest(path: string, attributes: Attributes): string {
  const hash = createHash("sha256");
  addEntry(hash, path, "", attributes);
  return hash.digest("hex");
}

function addEntry(hash: Hash, path: string, name: string, attributes: Attributes): void {
  const stat = lstatSync(path);
  hash.update(`\n${name}\n${attributes === "git" ? gitMode(stat) : allModes(stat)}\n`);
  if (stat.isSymbolicLink()) hash.update(readlinkSync(path));
  else if (stat.isFile()) addContent(hash, path, stat.size);
  else if (stat.isDirectory()) {
    for (const entry of readdirSync(path).sort())
      addEntry(hash, join(path, entry), join(name, entry), attributes);
  }
}

function addContent(hash: Hash, path: string, size: number): void {
  hash.update(`${size}\n`);
  const file = openSync(path, "r");
  try {
    const chunk = Buffer.alloc(Math.min(CHUNK, size));
    for (let read = readSync(file, chunk); read > 0; read = readSync(file, chunk))
      hash.update(chunk.subarray(0, read));
  } finally {
    closeSync(file);
  }
}

function gitMode(stat: Stats): string {
  if (stat.isSymbolicLink()) return "link";
  if (stat.isDirectory()) return "directory";
  return stat.mode & 0o100 ? "program" : "file";
}

function allModes({ mode, uid, gid, rdev }: Stats): string {
  return `${mode.toString(8)} ${uid}:${gid} ${rdev}`;
}
