import { lstatSync, readdirSync, readlinkSync, type Stats } from "node:fs";
import { join } from "node:path";
import { sha256File } from "../fs/checksums.ts";

/** Whether two directories have the same entries with the same types, permissions and content. */
export async function sameTree(a: string, b: string): Promise<boolean> {
  const [x, y] = [lstatSync(a), lstatSync(b)];
  if (kindOf(x) !== kindOf(y)) return false;
  if (x.isSymbolicLink()) return readlinkSync(a) === readlinkSync(b);
  if ((x.mode & 0o7777) !== (y.mode & 0o7777)) return false;
  if (x.isFile()) return x.size === y.size && (await sha256File(a)) === (await sha256File(b));
  if (!x.isDirectory()) return false; // not part of a version
  const [names, others] = [readdirSync(a).sort(), readdirSync(b).sort()];
  if (names.join("/") !== others.join("/")) return false;
  for (const name of names) {
    if (!(await sameTree(join(a, name), join(b, name)))) return false;
  }
  return true;
}

function kindOf(stats: Stats): "file" | "directory" | "link" | "other" {
  if (stats.isFile()) return "file";
  if (stats.isDirectory()) return "directory";
  return stats.isSymbolicLink() ? "link" : "other";
}
