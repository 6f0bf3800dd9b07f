import { describe, expect, test } from "bun:test";
import { isUnneeded, removeLanguages } from "../../../../lib/make/executable/icu.ts";
import { CommandError } from "../../../../lib/tools/text/errors.ts";

const PLAIN = Buffer.from([0x20, 0, 0xda, 0x27]);
const COMPRESSED = Buffer.from([0x28, 0xb5, 0x2f, 0xfd]);

/** A program with an archive of ICU: items of 32 bytes, each filled with its number. */
function programWith(names: readonly string[], { last = PLAIN } = {}): Buffer {
  const header = Buffer.alloc(32);
  header.writeUInt16LE(header.length, 0);
  header.writeUInt16LE(0x27da, 2);
  header.write("CmnD", 12);
  const text = names.map((name) => `icudt78l/${name}\0`);
  const namesAt = 4 + 8 * names.length;
  const dataAt = Math.ceil((namesAt + text.join("").length) / 16) * 16;
  const table = Buffer.alloc(dataAt);
  table.writeUInt32LE(names.length, 0);
  for (const index of names.keys()) {
    table.writeUInt32LE(namesAt + text.slice(0, index).join("").length, 4 + 8 * index);
    table.writeUInt32LE(dataAt + 32 * index, 8 + 8 * index);
  }
  table.write(text.join(""), namesAt);
  const items = names.map((name, index) => {
    const item = Buffer.alloc(32, index);
    (name.startsWith("zoneinfo64") ? last : PLAIN).copy(item);
    return item;
  });
  return Buffer.concat([Buffer.from("CmnD, a text "), header, table, ...items, Buffer.from("behind")]);
}

const NAMES = ["brkitr/thaidict.dict", "coll/root.res", "de.res", "en.res", "zoneinfo64.res", "zu_ZA.res"];

/** The items of the archive in a program: name → the byte that fills it. */
function itemsOf(program: Buffer): Record<string, number | undefined> {
  const table = program.lastIndexOf("CmnD") - 12 + 32;
  const count = program.readUInt32LE(table);
  const entries = Array.from({ length: count }, (_, index) => {
    const name = table + program.readUInt32LE(table + 4 + 8 * index);
    const content = table + program.readUInt32LE(table + 8 + 8 * index);
    return [program.toString("latin1", name, program.indexOf(0, name)), program[content + 31]];
  });
  return Object.fromEntries(entries) as Record<string, number | undefined>;
}

describe("removeLanguages()", () => {
  test("keeps names and contents of what is needed, and the bytes around", () => {
    const program = programWith(NAMES);
    const original = Buffer.from(program);
    const unused = removeLanguages(program);
    expect(itemsOf(program)).toEqual({
      "icudt78l/coll/root.res": 1,
      "icudt78l/en.res": 3,
      "icudt78l/zoneinfo64.res": 4,
    });
    // three of six items; the last one stays where it is, its size is not in the table
    expect(unused.end - unused.start).toBe(2 * 32);
    expect(program.subarray(unused.end).equals(original.subarray(unused.end))).toBe(true);
    expect(program.subarray(unused.start, unused.end).every((byte) => byte === 0)).toBe(true);
    expect(program.length).toBe(original.length);
  });

  test("refuses data of which the last item could not be read", () => {
    expect(() => removeLanguages(programWith(NAMES, { last: COMPRESSED }))).toThrow(CommandError);
    expect(() => removeLanguages(programWith(["en.res", "zoneinfo64.res"]))).toThrow(CommandError);
  });

  test("refuses a program without data", () => {
    expect(() => removeLanguages(Buffer.from("CmnD is only a word here"))).toThrow(
      "Expected ICU's data in this version of Bun, found none",
    );
  });
});

test("isUnneeded() keeps English, the root and what has no language", () => {
  const kept =
    "en.res en_US.res coll/root.res pool.res curr/pool.res res_index.res lang/res_index.res coll/ucadata.icu";
  const left = "de.res de_CH.res zh_Hant_TW.res zone/pt.res coll/de_.res fil.res brkitr/cjdict.dict";
  expect(kept.split(" ").filter(isUnneeded)).toEqual([]);
  expect(left.split(" ").filter((name) => !isUnneeded(name))).toEqual([]);
});
