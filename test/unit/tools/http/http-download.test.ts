import { describe, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import type { ServerResponse } from "node:http";
import { runProgram } from "../../../../lib/tools/host/host.ts";
import { download } from "../../../../lib/tools/http/http.ts";
import { testHost } from "../../../support/host.ts";
import { serveLoopback } from "../../../support/loopback.ts";

const CONTENT = Buffer.alloc(300_000, "0123456789abcdef-");
const SHA256 = createHash("sha256").update(CONTENT).digest("hex");

/**
 * Sends a part of an answer, and breaks off once the client has some of it: what it has not read yet when the connection
 * breaks is lost to it.
 */
function breaker() {
  let open: ServerResponse | undefined;
  return {
    send: (response: ServerResponse, part: string | Uint8Array) => {
      response.write(part);
      open = response;
    },
    onProgress: () => {
      open?.destroy();
      open = undefined;
    },
  };
}

describe("download()", () => {
  test("writes the file and returns size and digest", async () => {
    using host = testHost();
    await using server = await serveLoopback((_, response) => response.end(CONTENT));
    const file = `${host.root}/out`;
    expect(await download(server.origin, file, {}, host)).toEqual({ bytes: CONTENT.length, sha256: SHA256 });
    expect(readFileSync(file).equals(CONTENT)).toBe(true);
    expect(statSync(file).mode & 0o7777).toBe(0o644);
    expect(readdirSync(host.root)).toEqual(["out"]);
  });

  test("gives the file the permissions wanted", async () => {
    using host = testHost();
    await using server = await serveLoopback((_, response) => response.end("secret"));
    await download(server.origin, `${host.root}/out`, { mode: 0o600 }, host);
    expect(statSync(`${host.root}/out`).mode & 0o7777).toBe(0o600);
  });

  test("tells of progress up to the size", async () => {
    using host = testHost();
    await using server = await serveLoopback((_, response) => {
      response.writeHead(200, { "content-length": CONTENT.length }).end(CONTENT);
    });
    const seen: [number, number | undefined][] = [];
    const onProgress = (done: number, total: number | undefined) => seen.push([done, total]);
    await download(server.origin, `${host.root}/out`, { onProgress }, host);
    expect(seen.at(-1)).toEqual([CONTENT.length, CONTENT.length]);
  });

  test("continues where a break was, if the file is still the same", async () => {
    using host = testHost();
    const { send, onProgress } = breaker();
    await using server = await serveLoopback((request, response, number) => {
      const from = Number(/bytes=(\d+)-/.exec(request.headers.range ?? "")?.[1] ?? 0);
      const rest = CONTENT.subarray(from);
      const headers = { etag: '"v1"', "content-length": rest.length };
      const range = { "content-range": `bytes ${from}-${CONTENT.length - 1}/${CONTENT.length}` };
      response.writeHead(from > 0 ? 206 : 200, from > 0 ? { ...headers, ...range } : headers);
      if (number < 3) send(response, rest.subarray(0, 70_000));
      else response.end(rest);
    });
    const seen: number[] = [];
    const told = (done: number) => {
      seen.push(done);
      onProgress();
    };
    const options = { sha256: SHA256, retries: 1, onProgress: told };
    await download(server.origin, `${host.root}/out`, options, host);
    expect(server.requests).toHaveLength(4);
    expect(server.requests[1]?.headers["if-range"]).toBe('"v1"');
    expect(seen).toEqual(seen.toSorted((a, b) => a - b));
    expect(readFileSync(`${host.root}/out`).equals(CONTENT)).toBe(true);
  });

  test("starts again when the file has changed meanwhile", async () => {
    using host = testHost();
    const { send, onProgress } = breaker();
    await using server = await serveLoopback((_, response, number) => {
      response.writeHead(200, { etag: `"v${number}"`, "content-length": CONTENT.length });
      if (number === 0) send(response, "old content");
      else response.end(CONTENT);
    });
    const { sha256 } = await download(server.origin, `${host.root}/out`, { onProgress }, host);
    expect(server.requests[1]?.headers.range).toBe("bytes=11-");
    expect(sha256).toBe(SHA256);
  });

  test("starts again when the server gives nothing to recognise the file by", async () => {
    using host = testHost();
    await using server = await serveLoopback((_, response, number) => {
      response.writeHead(200, { "content-length": CONTENT.length });
      if (number === 0) response.write("part", () => response.destroy());
      else response.end(CONTENT);
    });
    const { sha256 } = await download(server.origin, `${host.root}/out`, {}, host);
    expect(server.requests[1]?.headers.range).toBeUndefined();
    expect(sha256).toBe(SHA256);
  });

  test("starts again after status 416", async () => {
    using host = testHost();
    const { send, onProgress } = breaker();
    await using server = await serveLoopback((request, response, number) => {
      if (request.headers.range !== undefined) return response.writeHead(416).end();
      response.writeHead(200, { etag: '"e"', "content-length": 4 });
      return number === 0 ? send(response, "ab") : response.end("abcd");
    });
    expect((await download(server.origin, `${host.root}/out`, { onProgress }, host)).bytes).toBe(4);
  });

  test("starts again when the server sends another part than it asked for", async () => {
    using host = testHost();
    const { send, onProgress } = breaker();
    await using server = await serveLoopback((request, response, number) => {
      const headers = { etag: '"e"', "content-length": 4, "content-range": "bytes 0-3/4" };
      if (request.headers.range !== undefined) response.writeHead(206, headers).end("WXYZ");
      else if (number === 0) send(response.writeHead(200, headers), "ab");
      else response.writeHead(200, headers).end("abcd");
    });
    await download(server.origin, `${host.root}/out`, { onProgress }, host);
    expect(server.requests.map(({ headers }) => headers.range)).toEqual([undefined, "bytes=2-", undefined]);
    expect(readFileSync(`${host.root}/out`, "utf8")).toBe("abcd");
  });

  test("keeps the old file, and leaves nothing, when the digest is wrong", async () => {
    using host = testHost({ files: { "/out": "old" } });
    await using server = await serveLoopback((_, response) => response.end("new"));
    const wanted = "0".repeat(64);
    const call = download(server.origin, `${host.root}/out`, { sha256: wanted }, host);
    await expect(call).rejects.toThrow(`is not the expected file: its sha256 is`);
    expect(readFileSync(`${host.root}/out`, "utf8")).toBe("old");
    expect(readdirSync(host.root)).toEqual(["out"]);
  });

  test("leaves nothing when the server breaks off for good", async () => {
    using host = testHost();
    await using server = await serveLoopback((_, response) => {
      response.writeHead(200, { "content-length": 10 }).write("part", () => response.destroy());
    });
    const call = download(server.origin, `${host.root}/out`, { retries: 1 }, host);
    await expect(call).rejects.toThrow(`Cannot download "${server.origin}": `);
    expect(readdirSync(host.root)).toEqual([]);
  });

  test("replaces a stale partial file, even a link", async () => {
    using host = testHost({ files: { "/victim": "untouched" } });
    const { symlinkSync } = await import("node:fs");
    symlinkSync(`${host.root}/victim`, `${host.root}/out.partial`);
    await using server = await serveLoopback((_, response) => response.end("new"));
    await download(server.origin, `${host.root}/out`, {}, host);
    expect(readFileSync(`${host.root}/victim`, "utf8")).toBe("untouched");
    expect(readFileSync(`${host.root}/out`, "utf8")).toBe("new");
  });

  test("refuses a file that the server compressed on its own", async () => {
    using host = testHost();
    await using server = await serveLoopback((_, response) => {
      response.setHeader("content-encoding", "br");
      response.end("x");
    });
    await expect(download(server.origin, `${host.root}/out`, {}, host)).rejects.toThrow('as "br"');
  });

  test("takes a .gz file as it is where the server calls it encoded", async () => {
    using host = testHost();
    await using server = await serveLoopback((_, response) => {
      response.setHeader("content-encoding", "x-gzip");
      response.end("raw bytes");
    });
    await download(`${server.origin}/rootfs.tar.gz?x`, `${host.root}/out`, {}, host);
    expect(readFileSync(`${host.root}/out`, "utf8")).toBe("raw bytes");
  });

  test("stops at the size limit", async () => {
    using host = testHost();
    await using server = await serveLoopback((_, response) => response.end(CONTENT));
    const call = download(server.origin, `${host.root}/out`, { maxBytes: 1000 }, host);
    await expect(call).rejects.toThrow("larger than 1000 bytes");
    expect(server.requests).toHaveLength(1);
  });

  test("does not begin what the server says is larger", async () => {
    using host = testHost();
    await using server = await serveLoopback((_, response) => {
      response.writeHead(200, { "content-length": 2 ** 40 });
      response.write(CONTENT);
    });
    const call = download(server.origin, `${host.root}/out`, { maxBytes: 1000 }, host);
    await expect(call).rejects.toThrow(`larger than 1000 bytes: the server reports ${2 ** 40}`);
    expect(server.requests).toHaveLength(1);
  });

  test("puts no file in the place of a pipe", async () => {
    using host = testHost();
    writeFileSync(`${host.root}/in`, CONTENT);
    await runProgram(["mkfifo", `${host.root}/out`]);
    const call = download(`${host.root}/in`, `${host.root}/out`, {}, host);
    await expect(call).rejects.toThrow("a pipe is in its place");
  });

  test("copies a local path", async () => {
    using host = testHost();
    writeFileSync(`${host.root}/in`, CONTENT);
    const result = await download(`file://${host.root}/in`, `${host.root}/out`, { sha256: SHA256 }, host);
    expect(result.bytes).toBe(CONTENT.length);
  });

  test("names a local path that is missing", async () => {
    using host = testHost();
    const call = download(`${host.root}/none`, `${host.root}/out`, {}, host);
    await expect(call).rejects.toThrow(`Cannot read "${host.root}/none"`);
    expect(readdirSync(host.root)).toEqual([]);
  });

  test("does not try again when the file cannot be written", async () => {
    using host = testHost();
    await using server = await serveLoopback((_, response) => response.end("x"));
    const call = download(server.origin, `${host.root}/no/such/dir/out`, {}, host);
    await expect(call).rejects.toThrow("Cannot write");
    expect(server.requests).toHaveLength(0);
  });

  test("leaves ftp and tftp to curl", async () => {
    const fetched: string[][] = [];
    using host = testHost({
      answer: (argv) => {
        fetched.push([...argv]);
        writeFileSync(argv[argv.indexOf("--output") + 1] ?? "", "by tftp");
        return {};
      },
    });
    const url = "tftp://127.0.0.1/-o/k3os.iso";
    await download(url, `${host.root}/out`, {}, host);
    expect(readFileSync(`${host.root}/out`, "utf8")).toBe("by tftp");
    expect(fetched[0]?.slice(-2)).toEqual(["--", url]);
    expect(readdirSync(host.root)).toEqual(["out"]);
  });
});
