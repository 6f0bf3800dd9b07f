import { CommandError } from "../../tools/text/errors.ts";

/**
 * ICU's data in Bun's program: an archive of 12 MB, nearly all of it for languages. k3OS prints English and sorts by
 * ICU's root rules, so these items are removed like `icupkg --remove` does: ICU then finds that a language is not there
 * and takes its root.
 * https://github.com/unicode-org/icu/blob/main/icu4c/source/common/ucmndata.h (UDataOffsetTOC)
 */

/** Bytes `start` to `end` of a file. */
export interface FileRange {
  readonly start: number;
  readonly end: number;
}

interface Item {
  /** `coll/root.res`, without the name of the archive. */
  readonly name: string;
  /** Of its name and its content, relative to the table of contents. */
  readonly nameOffset: number;
  readonly offset: number;
}

/** The format in an archive's header, which has its size and ICU's mark before it. */
const FORMAT = "CmnD";
const FORMAT_OFFSET = 12;
const MARK = 0x27da;
const ALIGNMENT = 16;

/** Languages and countries other than English. */
const LANGUAGE = /^(?:\w+\/)?(?!en[_.]|res_index\.)[a-z]{2,3}(?:_\w*)*\.res$/;
/** Words of languages that are written without spaces, to break their lines. */
const DICTIONARY = /\.dict$/;

/** Whether an item of ICU's data is left out. */
export function isUnneeded(name: string): boolean {
  return LANGUAGE.test(name) || DICTIONARY.test(name);
}

/**
 * Removes the items that are not needed from the data in `program`, in place. Returns the bytes that nothing reads any
 * more. Throws CommandError if there is no data, or not as expected.
 */
export function removeLanguages(program: Buffer): FileRange {
  const table = findTable(program);
  const items = readItems(program, table);
  const last = items.at(-1);
  if (last === undefined || !isUnneeded(last.name)) throw unexpected(`"${last?.name}" as its last item`);
  let end = items[0]?.offset ?? 0;
  const kept = items.flatMap((item, index): Item[] => {
    const next = items[index + 1];
    if (next === undefined || isUnneeded(item.name)) return [];
    const offset = end;
    program.copyWithin(table + offset, table + item.offset, table + next.offset);
    end += next.offset - item.offset;
    return [{ ...item, offset }];
  });
  const final = kept.at(-1);
  // ICU takes the size of an item from the next one; Bun compresses some and has to know it
  if (final === undefined || program.readUInt16LE(table + final.offset + 2) !== MARK)
    throw unexpected("that the last item that is kept is compressed");
  program.writeUInt32LE(kept.length, table);
  for (const [index, { nameOffset, offset }] of kept.entries()) {
    program.writeUInt32LE(nameOffset, table + 4 + 8 * index);
    program.writeUInt32LE(offset, table + 8 + 8 * index);
  }
  program.fill(0, table + end, table + last.offset);
  return { start: table + end, end: table + last.offset };
}

/** The offset of the table of contents: a number of items, then two offsets for each. */
function findTable(program: Buffer): number {
  for (let at = program.indexOf(FORMAT); at >= 0; at = program.indexOf(FORMAT, at + 1)) {
    const header = at - FORMAT_OFFSET;
    if (header >= 0 && program.readUInt16LE(header + 2) === MARK)
      return header + program.readUInt16LE(header);
  }
  throw unexpected("none");
}

function readItems(program: Buffer, table: number): Item[] {
  const count = program.readUInt32LE(table);
  const items = Array.from({ length: count }, (_, index): Item => {
    const nameOffset = program.readUInt32LE(table + 4 + 8 * index);
    const offset = program.readUInt32LE(table + 8 + 8 * index);
    const start = table + nameOffset;
    const name = program.toString("latin1", start, program.indexOf(0, start));
    return { name: name.slice(name.indexOf("/") + 1), nameOffset, offset };
  });
  const ordered = items.every(({ offset }, index) => {
    return offset % ALIGNMENT === 0 && offset > (items[index - 1]?.offset ?? 0);
  });
  if (!ordered) throw unexpected("items that are not in the order of the table");
  return items;
}

function unexpected(found: string): CommandError {
  return new CommandError(`Expected ICU's data in this version of Bun, found ${found}`, {
    hint: "compare lib/make/executable/icu.ts with how that version stores its data",
  });
}
