import { CommandError } from "../../tools/text/errors.ts";

/**
 * The parts of the ELF format that making and checking executables needs, little-endian, 64 bits for reading and
 * writing, 32 bits for checks only. Names and layouts: ELF gABI, https://gabi.xinuos.com.
 */

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
}

/** Size of a program header table row of a 64-bit file. */
export const SEGMENT_SIZE = 56;

/** Reads the header and the segments of an ELF file. Throws CommandError if it is invalid or truncated. */
export function parseElf(file: Buffer): ElfHeader {
  const magic = file.subarray(0, 4).toString("latin1");
  if (magic !== "\x7fELF") throw new CommandError("Not an ELF file");
  const bits = file[4] === 2 ? 64 : 32;
  if (file[5] !== 1) throw new CommandError("Big-endian ELF files are not supported");
  const word = wordReader(file, bits);
  const tableOffset = word(bits === 64 ? 32 : 28);
  const counts = bits === 64 ? 54 : 42;
  const rowSize = file.readUInt16LE(counts);
  const rows = file.readUInt16LE(counts + 2);
  if (tableOffset + rows * rowSize > file.length) throw new CommandError("ELF file is cut off");
  return {
    bits,
    type: file.readUInt16LE(16),
    machine: file.readUInt16LE(18),
    entry: word(24),
    segments: Array.from({ length: rows }, (_, i) => parseSegment(file, tableOffset + i * rowSize, bits)),
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

/** A program header table row of a 64-bit file. */
export function formatSegment(segment: Segment): Buffer {
  const row = Buffer.alloc(SEGMENT_SIZE);
  row.writeUInt32LE(segment.type, 0);
  row.writeUInt32LE(segment.flags, 4);
  const { offset, address, fileSize, memorySize, align } = segment;
  for (const [i, word] of [offset, address, address, fileSize, memorySize, align].entries()) {
    row.writeBigUInt64LE(BigInt(word), 8 + 8 * i);
  }
  return row;
}

/** A symbol of the dynamic symbol table. */
export interface DynamicSymbol {
  readonly name: string;
  readonly weak: boolean;
  readonly defined: boolean;
  /** Its value is copied from the library that also defines it (R_*_COPY), so a library must have it. */
  readonly copied: boolean;
}

const SHT_DYNSYM = 11;
const SHT_RELA = 4;
const STB_WEAK = 2;
const R_COPY: Readonly<Record<number, number>> = { 62: 5, 183: 1024 }; // by e_machine: x86-64, AArch64

/** The dynamic symbols of a 64-bit file that has section headers. */
export function dynamicSymbols(file: Buffer): DynamicSymbol[] {
  const sections = parseSections(file);
  const table = sections.find((section) => section.type === SHT_DYNSYM);
  const strings = table === undefined ? undefined : sections[table.link];
  if (table === undefined || strings === undefined) throw new CommandError("ELF file has no dynamic symbols");
  const copied = copiedSymbols(file, sections);
  const count = table.size / 24;
  return Array.from({ length: count }, (_, i) => {
    const at = table.offset + i * 24;
    const nameStart = strings.offset + file.readUInt32LE(at);
    return {
      name: file.toString("latin1", nameStart, file.indexOf(0, nameStart)),
      weak: file.readUInt8(at + 4) >> 4 === STB_WEAK,
      defined: file.readUInt16LE(at + 6) !== 0,
      copied: copied.has(i),
    };
  });
}

interface Section {
  readonly type: number;
  readonly offset: number;
  readonly size: number;
  readonly link: number;
}

function parseSections(file: Buffer): Section[] {
  const word = wordReader(file, 64);
  const start = word(40);
  const rowSize = file.readUInt16LE(58);
  return Array.from({ length: file.readUInt16LE(60) }, (_, i) => {
    const at = start + i * rowSize;
    return {
      type: file.readUInt32LE(at + 4),
      offset: word(at + 24),
      size: word(at + 32),
      link: file.readUInt32LE(at + 40),
    };
  });
}

/** Indexes of the symbols in copy relocations. */
function copiedSymbols(file: Buffer, sections: readonly Section[]): Set<number> {
  const copyType = R_COPY[file.readUInt16LE(18)];
  const indexes = new Set<number>();
  for (const { offset, size } of sections.filter((section) => section.type === SHT_RELA)) {
    for (let at = offset; at < offset + size; at += 24) {
      if (file.readUInt32LE(at + 8) === copyType) indexes.add(file.readUInt32LE(at + 12));
    }
  }
  return indexes;
}
