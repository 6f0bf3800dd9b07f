import { SEGMENT_SIZE, type Segment } from "../../tools/fs/elf-header.ts";
import { CommandError } from "../../tools/text/errors.ts";

/** What making and checking 64-bit executables needs of the ELF format besides the header, little-endian. */

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
  const word = (offset: number) => Number(file.readBigUInt64LE(offset));
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
