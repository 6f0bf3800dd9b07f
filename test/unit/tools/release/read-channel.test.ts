import { describe, expect, test } from "bun:test";
import { serveFiles } from "../../../../lib/make/vm/http-server.ts";
import { channelComment, channelText } from "../../../../lib/tools/release/channel.ts";
import { readChannel } from "../../../../lib/tools/release/read-channel.ts";
import type { Trust } from "../../../../lib/tools/release/read-release.ts";
import { messageOf } from "../../../../lib/tools/text/errors.ts";
import { testHost } from "../../../support/host.ts";
import { makeSecretKey, signContent } from "../../../support/minisign.ts";

const KEY = makeSecretKey();
const TRUST: Trust = { kind: "keys", keys: [KEY.publicKey] };
const NOW = Math.floor(Date.now() / 1000);
const TEXT = channelText({ latest: "v1", releases: [{ version: "v1", date: "2026-12-01", sizes: {} }] });
const files = (expires: number, key = KEY) => ({
  "/r/channel.json": TEXT,
  "/r/channel.json.minisig": signContent(Buffer.from(TEXT), channelComment({ timestamp: NOW, expires }), key),
});

/** Reads the channel of a server with these files. */
async function read(served: Readonly<Record<string, string>>, trust = TRUST) {
  await using server = await serveFiles(served);
  using host = testHost();
  const url = `http://127.0.0.1:${server.port}/r`;
  return await readChannel(url, trust, host).then((channel) => channel?.latest, messageOf);
}

describe("readChannel()", () => {
  test("returns a channel that a trusted key has signed", async () => {
    expect(await read(files(NOW + 99))).toBe("v1");
  });

  test("returns nothing where there is no channel, or signatures do not count", async () => {
    expect(await read({})).toBeUndefined();
    expect(await read(files(NOW + 99), { kind: "anyone" })).toBeUndefined();
  });

  test("refuses one that nobody, or a stranger, has signed, and one that has expired", async () => {
    const { "/r/channel.json.minisig": _, ...unsigned } = files(NOW + 99);
    expect(await read(unsigned)).toStartWith('Nobody has signed "http://127.0.0.1:');
    expect(await read(files(NOW + 99, makeSecretKey()))).toContain("Signed by the unknown key");
    expect(await read(files(NOW - 1))).toContain("the server may hide a newer release");
    expect(await read(files(NOW - 1), { ...TRUST, allowExpired: true })).toBe("v1");
  });
});
