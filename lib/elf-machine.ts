import { closeSync, openSync, readSync } from "node:fs";

/** `e_machine` of a little-endian ELF file (ELF gABI); undefined for any other file. */
export function elfMachine(path: string): number | undefined {
  const header = Buffer.alloc(20);
  const fd = openSync(path, "r");
  try {
    readSync(fd, header, 0, header.length, 0);
  } finally {
    closeSync(fd);
  }
  const isElf = header.subarray(0, 4).toString("latin1") === "\x7fELF" && header[5] === 1;
  return isElf ? header.readUInt16LE(18) : undefined;
}
