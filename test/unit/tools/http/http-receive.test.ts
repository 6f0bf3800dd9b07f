import { describe, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { type AddressInfo, createServer } from "node:net";
import { type Consumer, receive } from "../../../../lib/tools/http/http.ts";
import { CommandError } from "../../../../lib/tools/text/errors.ts";
import { testHost } from "../../../support/host.ts";
import { serveLoopback } from "../../../support/loopback.ts";

interface Collector extends Consumer {
  /** What came since the last start. */
  text(): string;
  /** What it was told, in order. */
  readonly events: readonly string[];
}

function collector(slow: () => Promise<void> = async () => undefined): Collector {
  const events: string[] = [];
  let text = "";
  return {
    scratch: "/nowhere",
    events,
    text: () => text,
    write: async (chunk) => {
      await slow();
      text += Buffer.from(chunk).toString();
      events.push("write");
    },
    restart: async () => {
      text = "";
      events.push("restart");
    },
    finish: async () => {
      events.push("finish");
    },
  };
}

const sha256 = (text: string) => createHash("sha256").update(text).digest("hex");

describe("receive()", () => {
  test("hands over what comes, says when that was all, and returns size and digest", async () => {
    using host = testHost();
    await using server = await serveLoopback((_, response) => response.end("content"));
    const consumer = collector();
    expect(await receive(server.origin, consumer, {}, host)).toEqual({
      bytes: 7,
      sha256: sha256("content"),
    });
    expect([consumer.text(), ...consumer.events]).toEqual(["content", "write", "finish"]);
  });

  test("takes nothing of a content with another size than was wanted", async () => {
    using host = testHost({ files: { "/short": "conten" } });
    await using server = await serveLoopback((_, response) => response.end("content"));
    for (const url of [server.origin, `${host.root}/short`]) {
      const consumer = collector();
      const call = receive(url, consumer, { size: 8, maxBytes: 8 }, host);
      await expect(call).rejects.toThrow(/is not the expected file: it has [67] bytes, expected 8/);
      expect(consumer.events).toEqual([]);
    }
    expect((await receive(server.origin, collector(), { size: 7 }, host)).bytes).toBe(7);
  });

  test("refuses another content than was wanted, though it was taken", async () => {
    using host = testHost();
    await using server = await serveLoopback((_, response) => response.end("content"));
    const options = { sha256: sha256("other") };
    await expect(receive(server.origin, collector(), options, host)).rejects.toThrow(
      "is not the expected file: its sha256 is",
    );
  });

  test.each([
    ["goes on where a break was", { etag: '"v1"' }, ["write", "write", "finish"]],
    ["starts anew where it cannot", {}, ["write", "restart", "write", "finish"]],
  ])("%s", async (_, headers, events) => {
    using host = testHost();
    await using server = await serveLoopback((request, response, number) => {
      const from = Number(/bytes=(\d+)-/.exec(request.headers.range ?? "")?.[1] ?? 0);
      const length = { ...headers, "content-length": 8 - from };
      response.writeHead(
        from > 0 ? 206 : 200,
        from > 0 ? { ...length, "content-range": `bytes ${from}-7/8` } : length,
      );
      if (number > 0) response.end("abcdefgh".slice(from));
      else response.write("abcd", () => setTimeout(() => response.destroy(), 50));
    });
    const consumer = collector();
    const received = await receive(server.origin, consumer, { sha256: sha256("abcdefgh") }, host);
    expect(received.bytes).toBe(8);
    expect(consumer.text()).toBe("abcdefgh");
    expect(consumer.events).toEqual(events);
  });

  test("does not take the time that the consumer needs for the server's silence", async () => {
    using host = testHost();
    await using server = await serveLoopback((_, response) => response.end("content"));
    const slow = () => new Promise<void>((resolve) => setTimeout(resolve, 300));
    const consumer = collector(slow);
    await receive(server.origin, consumer, { timeout: 100, retries: 0 }, host);
    expect(consumer.text()).toBe("content");
  });

  test.each([
    ["of a length", true],
    ["of none", false],
  ])("takes an answer %s whose server is gone before it is read", async (_, known) => {
    using host = testHost();
    const content = Buffer.alloc(2_000_000, "x");
    const length = known ? `Content-Length: ${content.length}\r\n` : "";
    // the connection closes behind the answer, while the consumer has hardly begun
    const server = createServer((socket) => {
      socket.once("data", () => {
        socket.end(Buffer.concat([Buffer.from(`HTTP/1.0 200 OK\r\n${length}\r\n`), content]));
      });
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    try {
      const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
      const slow = () => new Promise<void>((resolve) => setTimeout(resolve, 5));
      const { bytes } = await receive(url, collector(slow), { retries: 0 }, host);
      expect(bytes).toBe(content.length);
    } finally {
      server.close();
    }
  });

  test("does not try again what the consumer refused", async () => {
    using host = testHost();
    await using server = await serveLoopback((_, response) => response.end("content"));
    const full = async () => {
      throw new CommandError("No room");
    };
    await expect(receive(server.origin, collector(full), {}, host)).rejects.toThrow("No room");
    expect(server.requests).toHaveLength(1);
  });
});
