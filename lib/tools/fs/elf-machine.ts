import { readSync } from "node:fs";
import { openRegular } from "./read-bounded.ts";

/**
 * `e_machine` of a little-endian ELF file (ELF gABI); undefined for any other file. Throws if the path is not a file.
 */
export function elfMachine(path: string): number | undefined {
  const header = Buffer.alloc(20);
  using file = openRegular(path);
  readSync(file.fd, header, 0, header.length, 0);
  const isElf = header.subarray(0, 4).toString("latin1") === "\x7fELF" && header[5] === 1;
  return isElf ? header.readUInt16LE(18) : undefined;
}
