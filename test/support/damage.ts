import { execFileSync } from "node:child_process";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";

/** What may lie in the place of a record after a bad day, by what it is called; each is made at a path. */
const MAKERS: Readonly<Record<string, (path: string) => void>> = {
  garbage: (path) => writeFileSync(path, Buffer.from([0x7b, 0xff, 0x1b, 0x5d, 0x00, 0x22])),
  "the beginning of it": (path) => writeFileSync(path, '{"state":"tri'),
  "an empty file": (path) => writeFileSync(path, ""),
  "an empty object": (path) => writeFileSync(path, "{}\n"),
  "an empty list": (path) => writeFileSync(path, "[[]]\n"),
  null: (path) => writeFileSync(path, "null"),
  "NUL bytes": (path) => writeFileSync(path, Buffer.alloc(4096)),
  "a directory": (path) => {
    mkdirSync(path);
    writeFileSync(`${path}/file`, "");
  },
  "a pipe": (path) => execFileSync("mkfifo", [path]),
};

export const DAMAGES = Object.keys(MAKERS);

/** Puts such a thing in the place of a file. */
export function damage(path: string, kind: string): void {
  rmSync(path, { recursive: true, force: true });
  mkdirSync(dirname(path), { recursive: true });
  MAKERS[kind]?.(path);
}
