import { expect, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { copyContent } from "../../../../lib/tools/fs/copy-content.ts";
import { MIB } from "../../../../lib/tools/fs/size.ts";
import { testHost } from "../../../support/host.ts";

const NEVER = new AbortController().signal;

test("copyContent() copies every byte, in the place of what was there, and tells of each piece", async () => {
  using host = testHost();
  const [from, to] = [join(host.root, "from"), join(host.root, "to")];
  const content = Buffer.alloc(9 * MIB + 5, "some content of no particular length");
  writeFileSync(from, content);
  writeFileSync(to, Buffer.alloc(10 * MIB, "longer"));
  const pieces: number[] = [];
  await copyContent(from, to, { onPiece: (bytes) => pieces.push(bytes), signal: NEVER });
  expect(readFileSync(to).equals(content)).toBe(true);
  expect(pieces).toEqual([4 * MIB, 4 * MIB, MIB + 5]);
});

test("copyContent() ends between two pieces when it is told to", async () => {
  using host = testHost();
  const [from, to] = [join(host.root, "from"), join(host.root, "to")];
  writeFileSync(from, Buffer.alloc(9 * MIB));
  const stop = new AbortController();
  const copying = copyContent(from, to, {
    onPiece: () => stop.abort(new Error("stopped")),
    signal: stop.signal,
  });
  await expect(copying).rejects.toThrow("stopped");
  expect(readFileSync(to).length).toBe(4 * MIB);
});
