import { describe, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { verifySignature } from "../../../../lib/tools/release/signature.ts";
import { publicKeyFile } from "../../../../lib/tools/release/signature-keys.ts";
import { testHost } from "../../../support/host.ts";
import { makeSecretKey, minisign, secretKeyFile, signContent } from "../../../support/minisign.ts";
import { randomBytes } from "../../../support/random.ts";

/** RFC 7693, appendix A. */
const ABC_512 =
  "ba80a53f981c4d0d6a2797b69f12f6e94c212f14685ac4b74b12bb6fdbffa2d17d87c5392aab792dc252d5de4533cc9518d38aa8dbf1925ab92386edd4009923";
const KEY = makeSecretKey();
const OTHER = makeSecretKey();
const CONTENT = Buffer.from(randomBytes(10_000, 1));
const COMMENT = "timestamp:1\tfile:a b.txt\thashed";
const GOOD = signContent(CONTENT, COMMENT, KEY);
const LINES = GOOD.trimEnd().split("\n");

const verify = (content: Uint8Array, signature: string, keys = [KEY.publicKey]) =>
  verifySignature(content, signature, keys);

/** The signature with one line changed. */
function edited(line: number, change: (text: string) => string): string {
  return `${LINES.map((text, i) => (i === line ? change(text) : text)).join("\n")}\n`;
}

/** A change of one byte of what a line holds in base64. */
const flipped = (at: number) => (text: string) => {
  const bytes = Buffer.from(text, "base64");
  bytes[at] = (bytes[at] ?? 0) ^ 1;
  return bytes.toString("base64");
};

function flippedContent(at: number): Buffer {
  const bytes = Buffer.from(CONTENT);
  bytes[at] = (bytes[at] ?? 0) ^ 1;
  return bytes;
}

describe("verifySignature()", () => {
  test("returns the trusted comment of a good signature", () => {
    expect(verify(CONTENT, GOOD)).toBe(COMMENT);
    expect(verify(CONTENT, GOOD, [OTHER.publicKey, KEY.publicKey])).toBe(COMMENT);
    expect(verify(Buffer.alloc(0), signContent(Buffer.alloc(0), "", KEY))).toBe("");
  });

  test.each([
    ["CRLF", GOOD.replaceAll("\n", "\r\n")],
    ["no final newline", GOOD.trimEnd()],
    ["CRLF and no final newline", GOOD.trimEnd().replaceAll("\n", "\r\n")],
    ["another untrusted comment", edited(0, () => "untrusted comment: anything")],
  ])("takes a signature file with %s", (_, signature) => {
    expect(verify(CONTENT, signature)).toBe(COMMENT);
  });

  test.each([
    ["a bad byte at its start", flippedContent(0)],
    ["a bad byte in its middle", flippedContent(5000)],
    ["a bad byte at its end", flippedContent(CONTENT.length - 1)],
    ["a byte missing", CONTENT.subarray(0, -1)],
    ["a byte too many", Buffer.concat([CONTENT, Buffer.from("\n")])],
    ["nothing in it", Buffer.alloc(0)],
  ])("refuses content with %s", (_, content) => {
    expect(() => verify(content, GOOD)).toThrow("The content does not match the signature");
  });

  test("refuses the signature of another file", () => {
    const other = signContent(Buffer.from("other"), COMMENT, KEY);
    expect(() => verify(CONTENT, other)).toThrow("The content does not match the signature");
  });

  test("refuses a changed signature", () => {
    for (const at of [10, 40, 73]) {
      expect(() => verify(CONTENT, edited(1, flipped(at)))).toThrow(
        "The content does not match the signature",
      );
    }
  });

  test("refuses a changed trusted comment, or its signature", () => {
    const message = "The trusted comment of the signature was changed";
    expect(() =>
      verify(
        CONTENT,
        edited(2, (text) => text.replace(":1", ":2")),
      ),
    ).toThrow(message);
    expect(() =>
      verify(
        CONTENT,
        edited(2, (text) => `${text} `),
      ),
    ).toThrow(message);
    expect(() => verify(CONTENT, edited(3, flipped(0)))).toThrow(message);
    // signed by the same key, but with other content
    const [, , comment = "", signature = ""] = signContent(Buffer.from("other"), "x", KEY).split("\n");
    expect(() => verify(CONTENT, [LINES[0], LINES[1], comment, signature].join("\n"))).toThrow(message);
  });

  test("names a key that is not known", () => {
    expect(() => verify(CONTENT, GOOD, [OTHER.publicKey])).toThrow(
      `Signed by the unknown key ${KEY.publicKey.id}: expected ${OTHER.publicKey.id}`,
    );
    expect(() => verify(CONTENT, GOOD, [])).toThrow(`unknown key ${KEY.publicKey.id}: expected none`);
  });

  test("is not fooled by a key that gives itself a known number", () => {
    const { id, number } = KEY.publicKey;
    const impostor = { ...OTHER, publicKey: { ...OTHER.publicKey, id, number } };
    const forged = signContent(CONTENT, COMMENT, impostor);
    expect(() => verify(CONTENT, forged)).toThrow("The content does not match the signature");
    expect(verify(CONTENT, GOOD, [impostor.publicKey, KEY.publicKey])).toBe(COMMENT);
  });

  test("refuses the legacy kind", () => {
    const legacy = edited(1, (text) => text.replace(/^RU/, "RW"));
    expect(() => verify(CONTENT, legacy)).toThrow("minisign's legacy kind");
  });

  test.each([
    ["nothing", ""],
    ["one line", `${LINES[0]}\n`],
    ["three lines", LINES.slice(0, 3).join("\n")],
    ["five lines", `${GOOD}more\n`],
    ["an empty line before the end", `${GOOD}\n`],
    ["the lines of another order", [LINES[2], LINES[1], LINES[0], LINES[3]].join("\n")],
    ["a page of HTML", "<html>\n<body>\n404\n</body>\n"],
    ["a short signature", edited(1, (text) => text.slice(0, -4))],
    ["a long signature", edited(1, (text) => text.replace("=", "A"))],
    ["a space after the base64", edited(1, (text) => `${text} `)],
    ["an unknown algorithm", edited(1, (text) => text.replace(/^RU/, "RV"))],
    ["no comment's signature", edited(3, () => "")],
    ["a short comment's signature", edited(3, (text) => text.slice(4))],
    ["an escape sequence in its comment", edited(2, (text) => `${text}\x1b[2J`)],
    ["a lone CR in its comment", edited(2, (text) => text.replace("\t", "\r"))],
    ["a byte order mark", `\ufeff${GOOD}`],
  ])("refuses a signature file of %s", (_, signature) => {
    expect(() => verify(CONTENT, signature)).toThrow(
      "The signature is malformed: expected the four lines of a minisign signature",
    );
  });
});

test("the runtime's blake2b512 is that of RFC 7693, though getHashes() may not list it", () => {
  expect(createHash("blake2b512").update("abc").digest("hex")).toBe(ABC_512);
});

describe("minisign", () => {
  test("accepts our signatures, and refuses what we refuse", async () => {
    using host = testHost({ files: { "/k.pub": publicKeyFile(KEY.publicKey) } });
    const check = async (content: Uint8Array, signature: string) => {
      writeFileSync(join(host.root, "f"), content);
      writeFileSync(join(host.root, "f.minisig"), signature);
      return await minisign(host.root, ["-V", "-Q", "-p", "k.pub", "-m", "f"]);
    };
    expect(await check(CONTENT, GOOD)).toBe(`${COMMENT}\n`);
    const umlauts = signContent(CONTENT, "für später", KEY);
    expect(await check(CONTENT, umlauts)).toBe("für später\n");
    await expect(check(flippedContent(0), GOOD)).rejects.toThrow("exit status 1");
  });

  test("makes signatures that we accept, and legacy ones that we refuse", async () => {
    using host = testHost({ files: { "/k.key": secretKeyFile(KEY) } });
    writeFileSync(join(host.root, "f"), CONTENT);
    const sign = async (...options: string[]) => {
      await minisign(host.root, ["-S", ...options, "-s", "k.key", "-t", COMMENT, "-m", "f"]);
      return readFileSync(join(host.root, "f.minisig"), "utf8");
    };
    expect(verify(CONTENT, await sign())).toBe(COMMENT);
    const legacy = await sign("-l");
    expect(() => verify(CONTENT, legacy)).toThrow("legacy kind");
  });
});
