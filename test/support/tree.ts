import { lstatSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";

/** All files and links below a directory, each as "MODE MTIME INODE CONTENT": equal trees were not touched. */
export function treeOf(root: string): Readonly<Record<string, string>> {
  const paths = readdirSync(root, { recursive: true, encoding: "utf8" }).sort();
  const entries = paths.flatMap((path) => {
    const stat = lstatSync(join(root, path));
    if (stat.isDirectory()) return [];
    const content = stat.isSymbolicLink() ? readlinkSync(join(root, path)) : readFileSync(join(root, path));
    return [[`/${path}`, `${(stat.mode & 0o7777).toString(8)} ${stat.mtimeMs} ${stat.ino} ${content}`]];
  });
  return Object.fromEntries(entries) as Record<string, string>;
}
