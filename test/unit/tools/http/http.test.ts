import { describe, expect, test } from "bun:test";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { gzipSync } from "node:zlib";
import { fetchBytes, fetchResponse, fetchText, HttpError } from "../../../../lib/tools/http/http.ts";
import { messageOf } from "../../../../lib/tools/text/errors.ts";
import { testHost } from "../../../support/host.ts";
import { serveLoopback } from "../../../support/loopback.ts";

/** What a call throws. */
async function failure(call: Promise<unknown>): Promise<HttpError> {
  try {
    await call;
  } catch (error) {
    if (error instanceof HttpError) return error;
    throw error;
  }
  throw new Error("Expected an HttpError");
}

describe("fetchText()", () => {
  test("returns what the server sends", async () => {
    using host = testHost();
    await using server = await serveLoopback((_, response) => response.end("grüß"));
    expect(await fetchText(`${server.origin}/x`, {}, host)).toBe("grüß");
  });

  test("reads a local path and a file URL", async () => {
    using host = testHost({ files: { "/a b": "local" } });
    expect(await fetchText(`${host.root}/a b`, {}, host)).toBe("local");
    expect(await fetchText(`file://${host.root}/a%20b`, {}, host)).toBe("local");
  });

  test("reports 404 at once, with its status", async () => {
    using host = testHost();
    await using server = await serveLoopback((_, response) => response.writeHead(404).end("no"));
    const error = await failure(fetchText(`${server.origin}/gone`, {}, host));
    expect(error.status).toBe(404);
    expect(error.message).toBe(`Cannot fetch "${server.origin}/gone": the server answered with status 404`);
    expect(server.requests).toHaveLength(1);
  });

  test("tries again after 408, 425, 429 and 5xx", async () => {
    using host = testHost();
    const statuses = [408, 425, 429, 500, 503];
    await using server = await serveLoopback((_, response, number) => {
      response.writeHead(statuses[number] ?? 200).end("at last");
    });
    expect(await fetchText(server.origin, {}, host)).toBe("at last");
    expect(server.requests).toHaveLength(6);
  });

  test("gives up after the last retry, and says how often it tried", async () => {
    using host = testHost();
    await using server = await serveLoopback((_, response) => response.writeHead(500).end());
    const error = await failure(fetchText(server.origin, { retries: 2 }, host));
    expect(error.status).toBe(500);
    // the pauses, and the time that the answers themselves take
    expect(error.message).toMatch(/status 500 \(3 tries in (?:1\.[5-9]|[2-9]\.\d) s\)/);
    expect(server.requests).toHaveLength(3);
  });

  test("honours Retry-After, within bounds", async () => {
    using host = testHost();
    const before = host.clock.monotonic();
    await using server = await serveLoopback((_, response, number) => {
      if (number === 0) response.writeHead(503, { "retry-after": "9" }).end();
      else if (number === 1) response.writeHead(503, { "retry-after": "86400" }).end();
      else response.end("ok");
    });
    await fetchText(server.origin, {}, host);
    const waited = host.clock.monotonic() - before;
    expect(waited).toBeGreaterThanOrEqual(9_000 + 30_000);
    expect(waited).toBeLessThan(45_000);
  });

  test("waits 0.5 s, 1 s, 2 s, 4 s, 5 s between tries", async () => {
    using host = testHost();
    await using server = await serveLoopback((_, response) => response.writeHead(500).end());
    await failure(fetchText(server.origin, {}, host));
    const waits = host.logged.map((line) => /again in (\d+) ms/.exec(line)?.[1]);
    expect(waits).toEqual(["500", "1000", "2000", "4000", "5000"]);
  });

  test("never starts a wait that ends behind the deadline", async () => {
    using host = testHost();
    await using server = await serveLoopback((_, response) => response.writeHead(500).end());
    await failure(fetchText(server.origin, { deadline: 1_200 }, host));
    expect(server.requests).toHaveLength(2);
  });

  test("ends a try when the server never answers", async () => {
    using host = testHost();
    await using server = await serveLoopback(() => undefined);
    const started = performance.now();
    const error = await failure(fetchText(server.origin, { timeout: 60, retries: 1 }, host));
    expect(error.message).toContain("did not answer within 0.06 s (2 tries");
    expect(performance.now() - started).toBeLessThan(1_000);
  });

  test("ends a slow drip at the deadline", async () => {
    using host = testHost();
    await using server = await serveLoopback((request, response) => {
      const drip = setInterval(() => response.write("."), 5);
      request.on("close", () => clearInterval(drip));
    });
    const started = performance.now();
    const error = await failure(fetchText(server.origin, { deadline: 200 }, host));
    expect(error.message).toContain("not finished within 0.2 s");
    expect(performance.now() - started).toBeLessThan(1_500);
  });

  test("refuses an endless answer when it passes the limit", async () => {
    using host = testHost();
    await using server = await serveLoopback((_, response) => {
      const more = () => {
        while (!response.destroyed && response.write("x".repeat(8192)));
      };
      response.on("drain", more);
      more();
    });
    const error = await failure(fetchText(server.origin, { maxBytes: 100_000 }, host));
    expect(error.message).toContain("the answer is larger than 100000 bytes");
    expect(server.requests).toHaveLength(1);
  });

  test("refuses a large local file", async () => {
    using host = testHost({ files: { "/big": "12345" } });
    const message = await fetchText(`${host.root}/big`, { maxBytes: 4 }, host).catch(messageOf);
    expect(message).toBe(`Cannot read "${host.root}/big": larger than 4 bytes`);
  });

  test("names a refused connection, without the password", async () => {
    using host = testHost();
    const server = await serveLoopback(() => undefined);
    await server[Symbol.asyncDispose]();
    const url = `http://user:secret@127.0.0.1:${server.port}/`;
    const error = await failure(fetchText(url, { retries: 0 }, host));
    expect(error.message).toBe(`Cannot fetch "http://***@127.0.0.1:${server.port}/": connection refused`);
  });

  test("sends the credentials of the URL", async () => {
    using host = testHost();
    await using server = await serveLoopback((request, response) =>
      response.end(request.headers.authorization),
    );
    const text = await fetchText(`http://me:p%40ss@127.0.0.1:${server.port}/`, {}, host);
    expect(text).toBe(`Basic ${btoa("me:p@ss")}`);
  });

  test.each(["gopher://x/", "http:", "HTTP://"])("refuses %s", async (url) => {
    using host = testHost();
    await expect(fetchText(url, {}, host)).rejects.toThrow("expected an http or https URL");
  });

  test("asks for no encoding, and undoes one that comes all the same", async () => {
    using host = testHost();
    await using server = await serveLoopback((request, response) => {
      response.setHeader("content-encoding", "gzip");
      response.end(gzipSync(`asked for ${request.headers["accept-encoding"]}`));
    });
    expect(await fetchText(server.origin, {}, host)).toBe("asked for identity");
  });

  test("refuses a compressed answer that unpacks to more than the limit", async () => {
    using host = testHost();
    await using server = await serveLoopback((_, response) => {
      response.setHeader("content-encoding", "gzip");
      response.end(gzipSync(Buffer.alloc(1_000_000)));
    });
    const error = await failure(fetchText(server.origin, { maxBytes: 10_000 }, host));
    expect(error.message).toContain("larger than 10000 bytes");
  });

  test("tries again when an answer breaks off", async () => {
    using host = testHost();
    await using server = await serveLoopback((_, response, number) => {
      response.writeHead(200, { "content-length": 4 });
      if (number > 0) response.end("full");
      else response.write("fu", () => response.destroy());
    });
    expect(await fetchText(server.origin, {}, host)).toBe("full");
  });
});

describe("fetchText() with redirects", () => {
  test("follows them", async () => {
    using host = testHost();
    await using server = await serveLoopback((request, response) => {
      if (request.url === "/b") response.end("there");
      else response.writeHead(302, { location: "/b" }).end();
    });
    const answer = await fetchResponse(`${server.origin}/a`, {}, host);
    expect(answer.body.toString()).toBe("there");
    expect(answer.url).toBe(`${server.origin}/b`);
  });

  test("ends a loop", async () => {
    using host = testHost();
    await using server = await serveLoopback((_, response) =>
      response.writeHead(302, { location: "/" }).end(),
    );
    const error = await failure(fetchText(server.origin, {}, host));
    expect(error.message).toContain("more than 10 redirects");
    expect(server.requests).toHaveLength(11);
  });

  test.each(["file:///etc/passwd", "ftp://127.0.0.1/x", "data:,x"])("refuses one to %s", async (location) => {
    using host = testHost();
    await using server = await serveLoopback((_, response) => response.writeHead(301, { location }).end());
    const error = await failure(fetchText(server.origin, {}, host));
    expect(error.message).toContain(`refused to follow the redirect to "${location}"`);
    expect(server.requests).toHaveLength(1);
  });

  test("sends no secret to another server", async () => {
    using host = testHost();
    await using other = await serveLoopback((request, response) => {
      response.end(JSON.stringify([request.headers.authorization, request.headers["x-token"]]));
    });
    await using server = await serveLoopback((_, response) => {
      response.writeHead(302, { location: other.origin }).end();
    });
    const url = `http://me:secret@127.0.0.1:${server.port}/`;
    const text = await fetchText(url, { headers: { "x-token": "secret" } }, host);
    expect(text).toBe("[null,null]");
  });
});

describe("fetchResponse()", () => {
  test("sends method, headers and body", async () => {
    using host = testHost();
    await using server = await serveLoopback((request, response) => {
      request.on("data", (data) => {
        const { "x-a": own, "user-agent": agent } = request.headers;
        response.end(`${request.method} ${own} ${agent} ${data}`);
      });
    });
    const headers = { "X-A": "b", "User-Agent": "me" };
    const options = { method: "PUT", headers, body: "content" } as const;
    expect((await fetchResponse(server.origin, options, host)).body.toString()).toBe("PUT b me content");
  });

  test("takes the length that HEAD tells of for no content, however large", async () => {
    using host = testHost();
    await using server = await serveLoopback((_, response) => {
      response.writeHead(200, { "content-length": 1 << 30, "content-encoding": "gzip" }).end();
    });
    const { headers, body } = await fetchResponse(server.origin, { method: "HEAD" }, host);
    expect([headers["content-length"], body.length]).toEqual([`${1 << 30}`, 0]);
  });

  test("returns a redirect that it is not to follow", async () => {
    using host = testHost();
    await using server = await serveLoopback((_, response) => {
      response.writeHead(302, { location: "/tag/v1.2.3" }).end();
    });
    const options = { method: "HEAD", followRedirects: false } as const;
    const { status, headers } = await fetchResponse(`${server.origin}/latest`, options, host);
    expect([status, headers.location]).toEqual([302, "/tag/v1.2.3"]);
    expect(server.requests).toHaveLength(1);
  });

  test("calls from the port it is told", async () => {
    using host = testHost();
    const free = await serveLoopback(() => undefined);
    const localPort = free.port;
    await free[Symbol.asyncDispose]();
    await using server = await serveLoopback((request, response) => {
      response.end(String(request.socket.remotePort));
    });
    expect(await fetchText(server.origin, { localPort, retries: 0 }, host)).toBe(String(localPort));
  });
});

describe("fetchBytes() with a proxy", () => {
  test("asks the proxy for plain http", async () => {
    await using proxy = await serveLoopback((request, response) => response.end(`via proxy: ${request.url}`));
    using host = testHost({ env: { HTTP_PROXY: proxy.origin } });
    const bytes = await fetchBytes("http://server.invalid/path?q=1", { retries: 0 }, host);
    expect(bytes.toString()).toBe("via proxy: http://server.invalid/path?q=1");
  });

  test("goes directly to loopback and NO_PROXY", async () => {
    await using server = await serveLoopback((_, response) => response.end("direct"));
    using host = testHost({ env: { http_proxy: "http://127.0.0.1:1" } });
    expect(await fetchText(server.origin, { retries: 0 }, host)).toBe("direct");
  });
});

describe("fetchResponse() with limits of its caller", () => {
  test("tries again after a status that the caller names", async () => {
    using host = testHost();
    await using server = await serveLoopback((_, response, number) => {
      response.writeHead(number === 0 ? 410 : 200).end("ok");
    });
    expect(await fetchText(server.origin, { tryAgain: [410] }, host)).toBe("ok");
  });

  test("ends when its signal says so, while it waits for an answer and before", async () => {
    using host = testHost();
    const controller = new AbortController();
    await using server = await serveLoopback(() => controller.abort("enough"));
    const error = await failure(fetchText(server.origin, { signal: controller.signal }, host));
    expect(error.message).toBe(`Cannot fetch "${server.origin}": enough`);
    expect((await failure(fetchText(server.origin, { signal: controller.signal }, host))).message).toBe(
      `Cannot fetch "${server.origin}": enough`,
    );
    expect(server.requests).toHaveLength(1);
  });
});

test("fetchText() that is ended tells what the trouble was", async () => {
  using host = testHost();
  const controller = new AbortController();
  await using server = await serveLoopback((_, response, number) => {
    if (number === 2) controller.abort("enough");
    else response.writeHead(500).end();
  });
  const error = await failure(fetchText(server.origin, { signal: controller.signal }, host));
  expect(error.message).toEndWith(": enough (3 tries; the server answered with status 500)");
});

describe("a server that lets nobody connect", () => {
  test("ends the try when its time is up, and the tries after it too", async () => {
    using host = testHost();
    await using server = await serveSilence();
    const started = performance.now();
    const error = await failure(fetchText(server.origin, { timeout: 60, retries: 2 }, host));
    expect(error.message).toContain("did not answer within 0.06 s (3 tries");
    expect(performance.now() - started).toBeLessThan(5_000);
  });
});

/** Accepts connections and never greets on them: for who speaks TLS, the connection is never made. */
async function serveSilence(): Promise<AsyncDisposable & { readonly origin: string }> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => socket.destroy());
  });
  await new Promise<void>((resolve) => server.listen({ port: 0, host: "127.0.0.1" }, resolve));
  const { port } = server.address() as AddressInfo;
  return {
    origin: `https://127.0.0.1:${port}`,
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
