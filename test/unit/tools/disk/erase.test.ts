import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { eraseEnds } from "../../../../lib/tools/disk/erase.ts";
import { MIB } from "../../../../lib/tools/fs/size.ts";

const directory = mkdtempSync(join(tmpdir(), "k3os-erase-"));
afterAll(() => rmSync(directory, { recursive: true }));

/** What is left in each MiB of a disk: its first byte, or "mixed". */
function left(path: string): (number | "mixed")[] {
  const bytes = readFileSync(path);
  return Array.from({ length: bytes.length / MIB }, (_, at) => {
    const part = bytes.subarray(at * MIB, (at + 1) * MIB);
    return part.every((byte) => byte === part[0]) ? (part[0] ?? 0) : "mixed";
  });
}

test("eraseEnds() zeroes both ends of each range and nothing between, and small ones as a whole", () => {
  const path = join(directory, "disk");
  writeFileSync(path, Buffer.alloc(12 * MIB, 1));
  const ranges = [
    { start: 0, size: 12 * MIB },
    { start: 2 * MIB, size: 4 * MIB },
    { start: 8 * MIB, size: 1024 },
  ];
  eraseEnds(path, ranges, MIB);
  expect(left(path)).toEqual([0, 1, 0, 1, 1, 0, 1, 1, "mixed", 1, 1, 0]);
  expect(readFileSync(path).subarray(8 * MIB, 8 * MIB + 1025)).toEqual(
    Buffer.concat([Buffer.alloc(1024), Buffer.from([1])]),
  );
});
