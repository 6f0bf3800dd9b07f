/** A member of a cpio archive. */
export interface CpioMember {
  readonly path: string;
  /** Type and permissions, as in stat(2). */
  readonly mode: number;
  readonly content: Buffer;
}

const HEADER = 110;

/** The members of "newc" archives, one after the other as in an initramfs; the last of the same path counts. */
export function readCpio(archive: Buffer): Map<string, CpioMember> {
  const members = new Map<string, CpioMember>();
  let at = 0;
  while (at + HEADER <= archive.length) {
    if (archive[at] === 0) {
      at += 4; // between archives
      continue;
    }
    if (archive.toString("latin1", at, at + 6) !== "070701") throw new Error(`No cpio header at ${at}`);
    const field = (index: number) => {
      const start = at + 6 + index * 8;
      return Number.parseInt(archive.toString("latin1", start, start + 8), 16);
    };
    const [mode, size, nameLength] = [field(1), field(6), field(11)];
    const path = archive.toString("utf8", at + HEADER, at + HEADER + nameLength - 1);
    const data = align(at + HEADER + nameLength);
    if (path !== "TRAILER!!!")
      members.set(path, { path, mode, content: archive.subarray(data, data + size) });
    at = align(data + size);
  }
  return members;
}

function align(offset: number): number {
  return (offset + 3) & ~3;
}
