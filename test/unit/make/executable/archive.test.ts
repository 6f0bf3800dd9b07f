import { describe, expect, test } from "bun:test";
import { type Archive, appendArchive, pathPatches } from "../../../../lib/make/executable/archive.ts";

const archive: Archive = {
  frames: [Buffer.from("frame one"), Buffer.from("frame two")],
  entries: [
    { name: "node", size: 67 },
    { name: "k3os-1234.cjs", size: 5_000_000_000 },
  ],
  patches: [{ name: "0", entry: 0, offset: 12, capacity: 44 }],
  runtime: "0123abcd",
  script: "k3os-1234.cjs",
};

describe("appendArchive()", () => {
  test("ends in a trailer by which the launcher finds all the rest", () => {
    const file = appendArchive(Buffer.from("launcher"), archive);
    const trailer = file.subarray(-88); // struct trailer of launcher.c
    expect(trailer.toString("latin1", 80)).toBe("K3OSNODE");
    expect(trailer.toString("latin1", 24, 32)).toBe("0123abcd");
    expect(trailer.toString("latin1", 32, 45)).toBe("k3os-1234.cjs");
    const offset = Number(trailer.readBigUInt64LE(0));
    const size = Number(trailer.readBigUInt64LE(8));
    expect(file.toString("latin1", offset, offset + size)).toBe("frame oneframe two");
    expect([trailer.readUInt32LE(16), trailer.readUInt32LE(20)]).toEqual([2, 1]);

    const index = file.subarray(offset + size, -88);
    expect(index.length).toBe(2 * 56 + 64); // struct entry, struct patch
    expect(index.readBigUInt64LE(56 + 48)).toBe(5_000_000_000n);
    expect(index.readUInt32LE(2 * 56 + 52)).toBe(44);
  });

  test("refuses names that the launcher would cut", () => {
    const entries = [{ name: "x".repeat(48), size: 1 }];
    expect(() => appendArchive(Buffer.alloc(0), { ...archive, entries })).toThrow("too long");
  });
});

describe("pathPatches()", () => {
  const nameOf = (path: string) => path.slice(path.lastIndexOf("/") + 1);
  const find = (text: string) =>
    pathPatches(Buffer.from(text), { entry: 3, prefix: "/usr/share/nodejs/", nameOf });

  test("finds every path of a script, with the room it leaves", () => {
    expect(find("\0/usr/share/nodejs/a/b.js\0\0/usr/share/nodejs/c.js\0")).toEqual([
      { name: "b.js", entry: 3, offset: 1, capacity: 25 },
      { name: "c.js", entry: 3, offset: 27, capacity: 23 },
    ]);
  });

  test("leaves alone what only mentions such a path", () => {
    expect(find('\0{ "path": "/usr/share/nodejs/a.js", "x": 1 }\0/usr/share/nodejs/\0')).toEqual([]);
  });
});
