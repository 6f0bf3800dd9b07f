import { describe, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { download } from "../../../../lib/tools/http/http.ts";
import { readHeld, recordPartial, removePartial } from "../../../../lib/tools/http/http-partial.ts";
import { testHost } from "../../../support/host.ts";
import { serveLoopback } from "../../../support/loopback.ts";

const CONTENT = Buffer.alloc(300_000, "0123456789abcdef-");
const SHA256 = createHash("sha256").update(CONTENT).digest("hex");

const EXPECTED = { sha256: "ab".repeat(32), size: 10 };

async function textOf(content: AsyncIterable<Uint8Array>): Promise<string> {
  let text = "";
  for await (const chunk of content) text += Buffer.from(chunk).toString();
  return text;
}

describe("readHeld()", () => {
  test("has what a partial file holds, and what the server knows it by", async () => {
    using host = testHost({ files: { "/file": "begin" } });
    const file = `${host.root}/file`;
    recordPartial(file, { validator: '"v1"', sha256: EXPECTED.sha256 });
    const held = readHeld(file, EXPECTED);
    expect(held).toMatchObject({ validator: '"v1"', size: 5 });
    if (held !== undefined) expect(await textOf(held.content)).toBe("begin");
  });

  test.each([
    ["another content is expected", { sha256: "cd".repeat(32) }, "begin"],
    ["it is too long", { ...EXPECTED, size: 4 }, "begin"],
    ["it is empty", EXPECTED, ""],
  ])("has nothing if %s", (_, expected, text) => {
    using host = testHost({ files: { "/file": text } });
    recordPartial(`${host.root}/file`, { validator: '"v1"', sha256: EXPECTED.sha256 });
    expect(readHeld(`${host.root}/file`, expected)).toBeUndefined();
  });

  test.each(["", "\0\0", "[]", '{"validator":1,"sha256":"x"}', '{"validator":"a\\nb","sha256":"x"}', "{"])(
    "has nothing with the record %j",
    (record) => {
      using host = testHost({ files: { "/file": "begin", "/file.json": record } });
      expect(readHeld(`${host.root}/file`, { sha256: "x" })).toBeUndefined();
    },
  );

  test("follows no link", () => {
    using host = testHost({ files: { "/other": "begin" } });
    symlinkSync("other", `${host.root}/file`);
    recordPartial(`${host.root}/file`, { validator: '"v1"', sha256: EXPECTED.sha256 });
    expect(readHeld(`${host.root}/file`, EXPECTED)).toBeUndefined();
  });
});

test("recordPartial() forgets what a server cannot continue", () => {
  using host = testHost({ files: { "/file": "begin" } });
  const file = `${host.root}/file`;
  recordPartial(file, { validator: '"v1"', sha256: EXPECTED.sha256 });
  recordPartial(file, { validator: undefined, sha256: EXPECTED.sha256 });
  expect(existsSync(`${file}.json`)).toBe(false);
  writeFileSync(`${file}.json`, "{}");
  removePartial(file);
  expect([existsSync(file), existsSync(`${file}.json`)]).toEqual([false, false]);
});

/** A server of CONTENT that breaks off after `first` bytes of each answer while `breaks` is true, and counts what it sends. */
async function interrupted({ first = 100_000, etag = (): string => '"v1"' } = {}) {
  const state = { breaks: true, sent: 0 };
  const server = await serveLoopback((request, response) => {
    const matches = request.headers["if-range"] === etag();
    const from = matches ? Number(/bytes=(\d+)-/.exec(request.headers.range ?? "")?.[1] ?? 0) : 0;
    const range = { "content-range": `bytes ${from}-${CONTENT.length - 1}/${CONTENT.length}` };
    const length = { etag: etag(), "content-length": CONTENT.length - from };
    response.writeHead(from > 0 ? 206 : 200, from > 0 ? { ...length, ...range } : length);
    const part = CONTENT.subarray(from, state.breaks ? from + first : CONTENT.length);
    state.sent += part.length;
    if (state.breaks) response.write(part);
    else response.end(part);
  });
  return { ...server, state, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() };
}

describe("download() with resume", () => {
  const RESUME = { sha256: SHA256, size: CONTENT.length, resume: true, timeout: 500, retries: 0 } as const;

  /** Lets a first call fail after the beginning. */
  async function begin(host: ReturnType<typeof testHost>, origin: string, file = `${host.root}/out`) {
    await expect(download(origin, file, RESUME, host)).rejects.toThrow("did not answer within 0.5 s");
    return file;
  }

  test("continues in a later call with what an earlier one has left", async () => {
    using host = testHost();
    await using server = await interrupted();
    const file = await begin(host, server.origin);
    expect(readdirSync(host.root).sort()).toEqual(["out.partial", "out.partial.json"]);
    server.state.breaks = false;
    const progress: number[] = [];
    await download(server.origin, file, { ...RESUME, onProgress: (done) => progress.push(done) }, host);
    expect(server.requests[1]?.headers).toMatchObject({ range: "bytes=100000-", "if-range": '"v1"' });
    expect(server.state.sent).toBe(CONTENT.length);
    expect(progress[0]).toBeGreaterThan(100_000);
    expect(readFileSync(file).equals(CONTENT)).toBe(true);
    expect(readdirSync(host.root)).toEqual(["out"]);
  });

  test("does not ask for what has arrived completely", async () => {
    using host = testHost();
    await using server = await interrupted();
    const file = await begin(host, server.origin);
    writeFileSync(`${file}.partial`, CONTENT);
    await download(server.origin, file, RESUME, host);
    expect(server.requests).toHaveLength(1);
    expect(readFileSync(file).equals(CONTENT)).toBe(true);
  });

  test("starts again when the server has another content by now", async () => {
    using host = testHost();
    let etag = '"v1"';
    await using server = await interrupted({ etag: () => etag });
    const file = await begin(host, server.origin);
    server.state.breaks = false;
    etag = '"v2"';
    await download(server.origin, file, RESUME, host);
    expect(server.state.sent).toBe(100_000 + CONTENT.length);
    expect(readFileSync(file).equals(CONTENT)).toBe(true);
  });

  test("starts again, once, when the beginning turns out to be damaged", async () => {
    using host = testHost();
    await using server = await interrupted();
    const file = await begin(host, server.origin);
    writeFileSync(`${file}.partial`, Buffer.alloc(50_000)); // as a power cut leaves it
    server.state.breaks = false;
    await download(server.origin, file, RESUME, host);
    expect(server.requests.map(({ headers }) => headers.range)).toEqual([
      undefined,
      "bytes=50000-",
      undefined,
    ]);
    expect(readFileSync(file).equals(CONTENT)).toBe(true);
    expect(host.logged.join()).toContain("it started in an earlier run, and starts again now");
  });

  test("refuses a content that is never the expected one, and keeps nothing of it", async () => {
    using host = testHost();
    const sha256 = "0".repeat(64);
    await using server = await interrupted();
    const options = { ...RESUME, sha256 };
    const file = `${host.root}/out`;
    await expect(download(server.origin, file, options, host)).rejects.toThrow("did not answer");
    server.state.breaks = false;
    await expect(download(server.origin, file, options, host)).rejects.toThrow("is not the expected file");
    expect(server.requests).toHaveLength(3);
    expect(readdirSync(host.root)).toEqual([]);
  });

  test.each([
    [
      "another digest is expected",
      (file: string) => writeFileSync(`${file}.partial.json`, '{"validator":"\\"v1\\"","sha256":"0"}'),
    ],
    ["the record is damaged", (file: string) => writeFileSync(`${file}.partial.json`, "\0\0\0")],
    ["it is too long", (file: string) => writeFileSync(`${file}.partial`, Buffer.alloc(CONTENT.length + 1))],
    ["it is empty", (file: string) => writeFileSync(`${file}.partial`, "")],
  ])("starts again when %s", async (_, damage) => {
    using host = testHost();
    await using server = await interrupted();
    const file = await begin(host, server.origin);
    damage(file);
    server.state.breaks = false;
    await download(server.origin, file, RESUME, host);
    expect(server.requests[1]?.headers.range).toBeUndefined();
    expect(readFileSync(file).equals(CONTENT)).toBe(true);
  });
});
