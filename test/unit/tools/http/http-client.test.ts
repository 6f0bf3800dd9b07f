import { describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import type { ServerResponse } from "node:http";
import { createServer } from "node:https";
import { type AddressInfo, connect } from "node:net";
import { download, fetchText } from "../../../../lib/tools/http/http.ts";
import { CERTIFICATE, CERTIFICATE_KEY } from "../../../support/certificate.ts";
import { testHost } from "../../../support/host.ts";
import { serveLoopback } from "../../../support/loopback.ts";

async function serveTls(
  address = "127.0.0.1",
  answer = (response: ServerResponse) => response.end("over TLS"),
): Promise<AsyncDisposable & { readonly port: number; readonly calls: () => number }> {
  let calls = 0;
  const server = createServer({ cert: CERTIFICATE, key: CERTIFICATE_KEY }, (_, response) => {
    calls++;
    answer(response);
  });
  await new Promise<void>((resolve) => server.listen({ port: 0, host: address }, resolve));
  return {
    port: (server.address() as AddressInfo).port,
    calls: () => calls,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

describe("from https", () => {
  test("no redirect leads to http, not over another https, not after several tries", async () => {
    using host = testHost();
    await using plain = await serveLoopback((_, response) => response.end("by anybody"));
    const leadTo = (location: string) => (response: ServerResponse) => {
      return response.writeHead(302, { location }).end();
    };
    await using server = await serveTls("127.0.0.1", leadTo(`${plain.origin}/`));
    await using first = await serveTls("127.0.0.1", leadTo(`https://127.0.0.1:${server.port}/`));
    const refused = "anybody on the way could answer that, which is not encrypted";
    const options = { ca: CERTIFICATE };
    for (const { port } of [server, first]) {
      const url = `https://127.0.0.1:${port}/`;
      await expect(fetchText(url, options, host)).rejects.toThrow(refused);
      await expect(download(url, `${host.root}/out`, options, host)).rejects.toThrow(refused);
    }
    expect(plain.requests).toEqual([]);
    expect([server.calls(), first.calls()]).toEqual([4, 2]);
  });

  test("a redirect leads to http where the user trusts anyone, with a warning", async () => {
    using host = testHost();
    await using plain = await serveLoopback((_, response) => response.end("by anybody"));
    await using server = await serveTls("127.0.0.1", (response) => {
      return response.writeHead(302, { location: `${plain.origin}/` }).end();
    });
    const options = { ca: CERTIFICATE, plainRedirects: true };
    const url = `https://127.0.0.1:${server.port}/`;
    expect(await fetchText(url, options, host)).toBe("by anybody");
    await download(url, `${host.root}/out`, options, host);
    expect(host.logged.filter((line) => line.includes("redirects to the unencrypted"))).toHaveLength(2);
  });
});

describe("fetchText() over TLS", () => {
  test("trusts a certificate given as option", async () => {
    using host = testHost();
    await using server = await serveTls();
    const text = await fetchText(`https://127.0.0.1:${server.port}/`, { ca: CERTIFICATE }, host);
    expect(text).toBe("over TLS");
  });

  test("trusts those of SSL_CERT_FILE", async () => {
    await using server = await serveTls();
    using files = testHost();
    writeFileSync(`${files.root}/roots.pem`, CERTIFICATE);
    using host = testHost({ env: { SSL_CERT_FILE: `${files.root}/roots.pem` } });
    expect(await fetchText(`https://127.0.0.1:${server.port}/`, {}, host)).toBe("over TLS");
  });

  test("refuses an unknown certificate at once", async () => {
    using host = testHost();
    await using server = await serveTls();
    const call = fetchText(`https://127.0.0.1:${server.port}/`, {}, host);
    await expect(call).rejects.toThrow("the certificate is not trusted");
    expect(host.logged).toEqual([]);
    expect(server.calls()).toBe(0);
  });

  test("refuses a certificate for another name", async () => {
    using host = testHost();
    await using server = await serveTls("127.0.0.2");
    const call = fetchText(`https://127.0.0.2:${server.port}/`, { ca: CERTIFICATE }, host);
    await expect(call).rejects.toThrow("certificate is not trusted");
    expect(server.calls()).toBe(0);
  });

  test("takes for an answer nothing that a proxy says in place of the tunnel", async () => {
    await using plain = await serveLoopback((_, response) => response.end("by anybody"));
    await using proxy = await serveLoopback((_, response) => response.writeHead(500).end());
    proxy.onConnect((_, socket) => {
      const head = `HTTP/1.1 302 Found\r\nlocation: ${plain.origin}/\r\ncontent-length: 0\r\n\r\n`;
      socket.end(head);
    });
    using host = testHost({ env: { HTTPS_PROXY: proxy.origin } });
    await expect(fetchText("https://server.invalid/", { retries: 0 }, host)).rejects.toThrow();
    expect(plain.requests).toEqual([]);
  });

  test("goes through a tunnel of the proxy", async () => {
    await using server = await serveTls();
    const targets: string[] = [];
    await using proxy = await serveLoopback((_, response) => response.writeHead(500).end());
    proxy.onConnect((target, socket) => {
      targets.push(target);
      const upstream = connect(server.port, "127.0.0.1", () => {
        socket.write("HTTP/1.1 200 Connection established\r\n\r\n");
        socket.pipe(upstream).pipe(socket);
      });
      upstream.on("error", () => socket.destroy());
      socket.on("error", () => upstream.destroy());
    });
    using host = testHost({ env: { HTTPS_PROXY: proxy.origin } });
    // the name is resolved by the proxy, and the certificate is for localhost
    const call = fetchText(`https://server.invalid:${server.port}/`, { ca: CERTIFICATE, retries: 0 }, host);
    await expect(call).rejects.toThrow("certificate is not trusted");
    expect(targets).toEqual([`server.invalid:${server.port}`]);
  });
});
