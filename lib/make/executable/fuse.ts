import { ET_EXEC, PF, PT, parseElf, SEGMENT_SIZE, type Segment } from "../../tools/fs/elf-header.ts";
import { CommandError } from "../../tools/text/errors.ts";
import { formatSegment } from "./elf.ts";
import type { FileRange } from "./icu.ts";

/**
 * Puts a program's dynamic loader and its C++ support library inside the program, so that it needs no interpreter
 * and no library: the kernel maps all three as segments of one static executable and starts the loader, whose first
 * act (loader/fused.c) is to correct the auxiliary vector to what the kernel gives to a PT_INTERP.
 *
 *     program      as Bun wrote it, at its own addresses (ET_EXEC)
 *     loader       libc.so, behind it
 *     library      the C++ support library, behind that
 *     tables       the program headers: the kernel's, then the original ones, which the loader reads
 */

/** Pages have at most 64 KiB (arm64); every part starts at a multiple of it in the file and in memory. */
const ALIGNMENT = 0x10000;

/** Distance between the parts in memory: the memory behind the end of the program is unused. */
const GAP = 0x100000;

/** Marks `struct fused` in the loader (loader/fused.h): five 64-bit words follow. */
const MARK = "k3os fused musl"; // 15 bytes and a NUL

export interface FuseParts {
  /** The output of `bun build --compile`: position-dependent, for musl. */
  readonly program: Buffer;
  /** musl's libc.so with our loader. */
  readonly loader: Buffer;
  /** The C++ support library. */
  readonly library: Buffer;
  /** Bytes of the program that nothing reads. */
  readonly unused?: FileRange | undefined;
}

/**
 * Makes one static executable from the parts, without the unused bytes of the program: their pages are not mapped.
 * Throws CommandError if the program is not as expected.
 */
export function fuse({ program: whole, loader, library, unused }: FuseParts): Buffer {
  const header = parseElf(whole);
  if (header.type !== ET_EXEC || header.bits !== 64) {
    throw new CommandError(`Expected a 64-bit position-dependent program, found ELF type ${header.type}`);
  }
  const hole = wholePages(unused ?? { start: 0, end: 0 });
  const program = Buffer.concat([whole.subarray(0, hole.start), whole.subarray(hole.end)]);
  const loaderAt = { offset: up(program.length), address: up(endOf(header.segments)) + GAP };
  const libraryAt = place(loader, loaderAt);
  const tablesAt = place(library, libraryAt);

  const kept = header.segments
    .filter((s) => s.type !== PT.interp && s.type !== PT.phdr && s.type !== PT.dynamic)
    .flatMap((s) => without(hole, s));
  const ours = [...moved(loader, loaderAt), ...moved(library, libraryAt)];
  const tableRows = kept.length + ours.length + 1;
  const originalAt = tablesAt.address + tableRows * SEGMENT_SIZE;
  const tablesSize = (tableRows + header.segments.length) * SEGMENT_SIZE;
  const tablesSegment: Segment = {
    type: PT.load,
    flags: PF.read,
    ...tablesAt,
    fileSize: tablesSize,
    memorySize: tablesSize,
    align: ALIGNMENT,
  };
  const kernelTable = [
    ...kept.filter((s) => s.type === PT.load), // the kernel requires ascending order
    ...ours,
    tablesSegment,
    ...kept.filter((s) => s.type !== PT.load),
  ];
  const originalTable = header.segments.map((s) => (s.type === PT.phdr ? { ...s, address: originalAt } : s));

  const fused = Buffer.alloc(tablesAt.offset + tablesSize);
  program.copy(fused);
  loader.copy(fused, loaderAt.offset);
  library.copy(fused, libraryAt.offset);
  Buffer.concat([...kernelTable, ...originalTable].map(formatSegment)).copy(fused, tablesAt.offset);
  writeHeader(fused, {
    entry: loaderAt.address + parseElf(loader).entry,
    tableOffset: tablesAt.offset,
    tableRows: kernelTable.length,
  });
  writeParameters(fused.subarray(loaderAt.offset, libraryAt.offset), [
    loaderAt.address,
    header.entry,
    originalAt,
    header.segments.length,
    libraryAt.address,
  ]);
  return fused;
}

/** The pages that lie in a range; none, at its start, if it is smaller. */
function wholePages({ start, end }: FileRange): FileRange {
  const first = up(start);
  const last = Math.floor(end / ALIGNMENT) * ALIGNMENT;
  return { start: first, end: Math.max(first, last) };
}

/** A segment of a program from whose file a range was removed: two, if it was within it. */
function without({ start, end }: FileRange, segment: Segment): Segment[] {
  const { offset, address, fileSize, memorySize } = segment;
  const removed = end - start;
  if (removed === 0 || offset + fileSize <= start) return [segment];
  if (offset >= end) return [{ ...segment, offset: offset - removed }];
  if (offset >= start || offset + fileSize <= end || segment.type !== PT.load)
    throw new CommandError("Expected the unused bytes of the program within one segment");
  const before = start - offset;
  const after = end - offset;
  return [
    { ...segment, fileSize: before, memorySize: before },
    {
      ...segment,
      offset: start,
      address: address + after,
      fileSize: fileSize - after,
      memorySize: memorySize - after,
    },
  ];
}

interface Place {
  readonly offset: number;
  readonly address: number;
}

/** The position of the next part. */
function place(part: Buffer, at: Place): Place {
  return {
    offset: up(at.offset + part.length),
    address: up(at.address + endOf(parseElf(part).segments)) + GAP,
  };
}

function moved(part: Buffer, at: Place): Segment[] {
  return parseElf(part)
    .segments.filter((s) => s.type === PT.load)
    .map((s) => ({ ...s, offset: s.offset + at.offset, address: s.address + at.address }));
}

function endOf(segments: readonly Segment[]): number {
  return Math.max(...segments.filter((s) => s.type === PT.load).map((s) => s.address + s.memorySize));
}

function up(value: number): number {
  return Math.ceil(value / ALIGNMENT) * ALIGNMENT;
}

function writeHeader(
  file: Buffer,
  { entry, tableOffset, tableRows }: { entry: number; tableOffset: number; tableRows: number },
): void {
  file.writeBigUInt64LE(BigInt(entry), 24);
  file.writeBigUInt64LE(BigInt(tableOffset), 32);
  file.writeUInt16LE(tableRows, 56);
  // no section headers: strip and objcopy would destroy the file, and so refuse it
  file.writeBigUInt64LE(0n, 40);
  file.writeUInt16LE(0, 60);
  file.writeUInt16LE(0, 62);
}

function writeParameters(loader: Buffer, parameters: readonly number[]): void {
  const at = loader.indexOf(`${MARK}\0`);
  if (at < 0 || loader.indexOf(`${MARK}\0`, at + 1) >= 0) {
    throw new CommandError(`Expected the loader to hold "${MARK}" once`);
  }
  for (const [i, parameter] of parameters.entries()) {
    loader.writeBigUInt64LE(BigInt(parameter), at + 16 + 8 * i);
  }
}
