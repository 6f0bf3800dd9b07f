import { CommandError } from "../text/errors.ts";

/** The header of an ELF file, little-endian. Names and layouts: ELF gABI, https://gabi.xinuos.com. */

export const ET_EXEC = 2;

/** Segment types. */
export const PT = {
  load: 1,
  dynamic: 2,
  interp: 3,
  phdr: 6,
  tls: 7,
} as const;

/** Segment permissions. */
export const PF = { read: 4, write: 2, execute: 1 } as const;

/** One row of the program header table: a segment. Addresses and sizes in bytes. */
export interface Segment {
  readonly type: number;
  readonly flags: number;
  readonly offset: number;
  readonly address: number;
  readonly fileSize: number;
  readonly memorySize: number;
  readonly align: number;
}

export interface ElfHeader {
  readonly bits: 32 | 64;
  readonly type: number;
  readonly machine: number;
  readonly entry: number;
  readonly segments: readonly Segment[];
  /** The size that the file must have for all segments and for the table of its sections, in bytes. */
  readonly end: number;
}

/** Size of a program header table row of a 64-bit file. */
export const SEGMENT_SIZE = 56;

/**
 * Reads the header and the segments of an ELF file, from its whole content or a beginning that has the table of its
 * segments. Throws CommandError if it is invalid, or too short for that.
 */
export function parseElf(file: Buffer): ElfHeader {
  const magic = file.subarray(0, 4).toString("latin1");
  if (magic !== "\x7fELF") throw new CommandError("Not an ELF file");
  if (file.length < (file[4] === 2 ? 64 : 52)) throw new CommandError("ELF file is cut off");
  const bits = file[4] === 2 ? 64 : 32;
  if (file[5] !== 1) throw new CommandError("Big-endian ELF files are not supported");
  const word = wordReader(file, bits);
  const tableOffset = word(bits === 64 ? 32 : 28);
  const counts = bits === 64 ? 54 : 42;
  const rowSize = file.readUInt16LE(counts);
  const rows = file.readUInt16LE(counts + 2);
  if (tableOffset + rows * rowSize > file.length) throw new CommandError("ELF file is cut off");
  const segments = Array.from({ length: rows }, (_, i) =>
    parseSegment(file, tableOffset + i * rowSize, bits),
  );
  const sections =
    word(bits === 64 ? 40 : 32) + file.readUInt16LE(counts + 4) * file.readUInt16LE(counts + 6);
  return {
    bits,
    type: file.readUInt16LE(16),
    machine: file.readUInt16LE(18),
    entry: word(24),
    segments,
    end: Math.max(sections, ...segments.map(({ offset, fileSize }) => offset + fileSize)),
  };
}

function wordReader(file: Buffer, bits: 32 | 64): (offset: number) => number {
  return bits === 64
    ? (offset) => Number(file.readBigUInt64LE(offset))
    : (offset) => file.readUInt32LE(offset);
}

function parseSegment(file: Buffer, at: number, bits: 32 | 64): Segment {
  const word = wordReader(file, bits);
  const size = bits / 8;
  const first = bits === 64 ? 8 : 4; // the offset of p_offset; p_flags comes earlier in the 64-bit layout
  return {
    type: file.readUInt32LE(at),
    flags: file.readUInt32LE(at + (bits === 64 ? 4 : 24)),
    offset: word(at + first),
    address: word(at + first + size),
    fileSize: word(at + first + 3 * size),
    memorySize: word(at + first + 4 * size),
    align: word(at + (bits === 64 ? 48 : 28)),
  };
}
