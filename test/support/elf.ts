import { formatSegment } from "../../lib/make/executable/elf.ts";
import { PT, SEGMENT_SIZE, type Segment } from "../../lib/tools/fs/elf-header.ts";

export interface ElfOptions {
  /** e_type: 2 is position-dependent, 3 is not. */
  readonly type?: number;
  readonly machine?: number;
  readonly entry?: number;
  readonly segments: readonly Segment[];
  /** What stands behind the tables. */
  readonly content?: string;
}

/** A 64-bit ELF file of nothing but its header, its program headers and some content. */
export function elfFile({ type = 2, machine = 62, entry = 0, segments, content = "" }: ElfOptions): Buffer {
  const header = Buffer.alloc(64);
  header.write("\x7fELF\x02\x01\x01", "latin1");
  header.writeUInt16LE(type, 16);
  header.writeUInt16LE(machine, 18);
  header.writeBigUInt64LE(BigInt(entry), 24);
  header.writeBigUInt64LE(64n, 32);
  header.writeUInt16LE(64, 52);
  header.writeUInt16LE(SEGMENT_SIZE, 54);
  header.writeUInt16LE(segments.length, 56);
  return Buffer.concat([header, ...segments.map(formatSegment), Buffer.from(content)]);
}

/** A segment; what is not given is that of 256 readable bytes from the start of the file. */
export function segment(given: Partial<Segment>): Segment {
  return {
    type: PT.load,
    flags: 4,
    offset: 0,
    address: 0,
    fileSize: 256,
    memorySize: 256,
    align: 0x1000,
    ...given,
  };
}
