import { describe, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { serveFiles } from "../../../../lib/make/vm/http-server.ts";
import { checkIso, fetchIso, withAdvice } from "../../../../lib/tools/release/iso-image.ts";
import { encodePublicKey } from "../../../../lib/tools/release/signature-keys.ts";
import { CommandError, messageOf } from "../../../../lib/tools/text/errors.ts";
import { testHost } from "../../../support/host.ts";
import { makeSecretKey } from "../../../support/minisign.ts";
import { signedList } from "../../../support/release.ts";

const SECRET = makeSecretKey();
const TRUST = { keys: [encodePublicKey(SECRET.publicKey)], insecure: false };
const AMD64 = { arch: "amd64" } as const;
const SHA256 = createHash("sha256").update("the ISO").digest("hex");
const LIST = signedList(
  { "k3os-amd64.iso": "the ISO" },
  { secret: SECRET, version: "v1.2.3", arch: "amd64" },
);
const atRoot = (files: object) =>
  Object.fromEntries(Object.entries(files).map(([name, content]) => [`/${name}`, content]));

describe("an ISO by URL", () => {
  test("is what the list beside it says, and no larger", async () => {
    await using server = await serveFiles(atRoot({ ...LIST, "k3os-amd64.iso": "the ISO" }));
    using host = testHost();
    const iso = await checkIso(`http://127.0.0.1:${server.port}/k3os-amd64.iso`, TRUST, AMD64, host);
    expect(iso).toMatchObject({ sha256: SHA256, size: 7, limits: { maxBytes: 7, plainRedirects: false } });
    expect(iso.release).toMatchObject({ signed: true, version: "v1.2.3" });
    expect(iso.advice).toBeUndefined();
  });

  test("may have any name, if it is the one of the list", async () => {
    await using server = await serveFiles(
      atRoot({ ...LIST, "my-node.iso?t=1": "the ISO", "my-node.iso": "the ISO" }),
    );
    using host = testHost();
    const iso = await checkIso(`http://127.0.0.1:${server.port}/my-node.iso`, TRUST, AMD64, host);
    const file = join(host.root, "medium.iso");
    await fetchIso(iso, file, host);
    expect(readFileSync(file, "utf8")).toBe("the ISO");
    expect(host.logged).toContain('"my-node.iso" is not listed: it must be the k3os-amd64.iso of v1.2.3');
  });

  test("that was changed, and has another name, is refused with what to do", async () => {
    await using server = await serveFiles(atRoot({ ...LIST, "my-node.iso": "the IS0" }));
    using host = testHost();
    const iso = await checkIso(`http://127.0.0.1:${server.port}/my-node.iso`, TRUST, AMD64, host);
    const file = join(host.root, "medium.iso");
    const error = await fetchIso(iso, file, host).catch((failure: CommandError) => failure);
    expect(messageOf(error)).toContain("is not the expected file");
    expect((error as CommandError).hint).toContain("an ISO of your own needs a list of its own beside it");
    expect(existsSync(file)).toBe(false);
  });

  test("that was remastered is refused before it is fetched", async () => {
    using host = testHost({ files: { "/my-node.iso": "the ISO, and more" } });
    const file = join(host.root, "my-node.iso");
    await using server = await serveFiles(atRoot({ ...LIST, "my-node.iso": { file } }));
    const call = checkIso(`http://127.0.0.1:${server.port}/my-node.iso`, TRUST, AMD64, host);
    const error = await call.catch((failure: CommandError) => failure);
    expect(messageOf(error)).toBe(
      '"my-node.iso" is not the k3os-amd64.iso of v1.2.3: it has 17 bytes, expected 7',
    );
    expect((error as CommandError).hint).toContain("k3os release sign");
  });

  test("is listed where the release lies, if there is no list beside it", async () => {
    await using elsewhere = await serveFiles({ "/isos/any.iso": "the ISO" });
    await using server = await serveFiles(atRoot(LIST));
    using host = testHost();
    const releaseUrl = `http://127.0.0.1:${server.port}`;
    const url = `http://127.0.0.1:${elsewhere.port}/isos/any.iso`;
    expect(await checkIso(url, { ...TRUST, releaseUrl }, AMD64, host)).toMatchObject({ sha256: SHA256 });
  });

  test("without any list is refused with what to do", async () => {
    await using server = await serveFiles({ "/any.iso": "the ISO" });
    using host = testHost();
    const call = checkIso(`http://127.0.0.1:${server.port}/any.iso`, TRUST, AMD64, host);
    const error = await call.catch((failure: CommandError) => failure);
    expect(messageOf(error)).toStartWith("No signed checksum file was found next to the ISO: ");
    expect((error as CommandError).hint).toContain(
      "put sha256sum-amd64.txt and sha256sum-amd64.txt.minisig of its release there",
    );
  });

  test("whose list names neither it nor any ISO is refused", async () => {
    const list = signedList({ "k3os-amd64": "x" }, { secret: SECRET, version: "v1.2.3", arch: "amd64" });
    await using server = await serveFiles(atRoot({ ...list, "any.iso": "the ISO" }));
    using host = testHost();
    const call = checkIso(`http://127.0.0.1:${server.port}/any.iso`, TRUST, AMD64, host);
    await expect(call).rejects.toThrow('The release has no "any.iso"');
  });
});

test("withAdvice() leaves an error alone that it has no advice for", async () => {
  const iso = { url: "x", sha256: undefined, size: undefined };
  const failing = () => Promise.reject(new CommandError("failed", { hint: "its own" }));
  const error = await withAdvice(iso, failing).catch((failure: CommandError) => failure);
  expect(error).toMatchObject({ message: "failed", hint: "its own" });
});
