import { describe, expect, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { makeDelta } from "../../../../lib/make/image/file-delta.ts";
import { versionEntries, writeFromDelta } from "../../../../lib/tools/generation/delta.ts";
import { type TestHost, testHost } from "../../../support/host.ts";

const WATCH = { onPiece: () => undefined, signal: new AbortController().signal };

/** A directory with the delta of a file, as the image has it. */
async function described(content: string, base: string): Promise<TestHost> {
  const host = testHost({ files: { "/file": content, "/base": base } });
  const file = (name: string) => ({ path: join(host.root, name), digest: name });
  await makeDelta(
    { file: file("file"), base: file("base"), basePath: "base" },
    "delta",
    async (step, { input }) => {
      await step.make(input, host.root, { host: { ...host, env: {} } as never, source: (path) => path });
      return { path: host.root, digest: "" };
    },
  );
  return host;
}

const CASES = [
  ["the same", "same".repeat(3000), "same".repeat(3000)],
  ["a change in the middle", "a".repeat(9000), `${"a".repeat(5000)}b${"a".repeat(3999)}`],
  ["a change of everything, and more", "x".repeat(100_000), "y".repeat(20_000)],
  ["an empty base", "content", ""],
] as const;

describe("writeFromDelta()", () => {
  test.each(CASES)("writes the file that was described: %s", async (_, content, base) => {
    using host = await described(content, base);
    const [entry] = versionEntries(host.root).filter(({ delta }) => delta !== undefined);
    expect(entry?.name).toBe("file");
    if (entry?.delta === undefined) return;
    const to = join(host.root, "result");
    let shown = 0;
    const onPiece = (bytes: number) => {
      shown += bytes;
    };
    await writeFromDelta(join(host.root, "file"), entry.delta, to, { ...WATCH, onPiece });
    expect(readFileSync(to, "utf8")).toBe(content);
    expect(shown).toBeGreaterThanOrEqual(content.length);
  });

  test("refuses another base, and missing data", async () => {
    using host = await described("x".repeat(9000), "x".repeat(8999));
    const [entry] = versionEntries(host.root).filter(({ delta }) => delta !== undefined);
    if (entry?.delta === undefined) throw new Error("no delta");
    const { delta } = entry;
    const write = () => writeFromDelta(join(host.root, "file"), delta, join(host.root, "result"), WATCH);
    writeFileSync(join(host.root, "base"), "y".repeat(8999));
    await expect(write()).rejects.toThrow("is not the expected file");
    writeFileSync(join(host.root, "file.delta-data"), "");
    await expect(write()).rejects.toThrow("is incomplete");
  });
});

test("versionEntries() refuses a record that describes no file", () => {
  using host = testHost({ files: { "/file.delta": "{}" } });
  expect(() => versionEntries(host.root)).toThrow("Cannot read");
});
