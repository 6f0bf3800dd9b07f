import { describe, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { blake2b as hash } from "@noble/hashes/blake2.js";
import { randomBytes } from "../../../support/random.ts";

/** As lib/tools/release/signature-keys.ts calls it. */
const blake2b = (content: Uint8Array, dkLen: number) => Buffer.from(hash(content, { dkLen }));

/** RFC 7693, appendix A. */
const ABC_512 =
  "ba80a53f981c4d0d6a2797b69f12f6e94c212f14685ac4b74b12bb6fdbffa2d17d87c5392aab792dc252d5de4533cc9518d38aa8dbf1925ab92386edd4009923";
/** By Python's hashlib.blake2b(b"abc", digest_size=32). */
const ABC_256 = "bddd813c634239723171ef3fee98579b94964e3bb1cb3e427262c8c068d52319";

test("the runtime's blake2b512 is that of RFC 7693, though getHashes() may not list it", () => {
  expect(createHash("blake2b512").update("abc").digest("hex")).toBe(ABC_512);
});

describe("blake2b()", () => {
  test("makes digests of 64 and 32 bytes", () => {
    expect(blake2b(Buffer.from("abc"), 64).toString("hex")).toBe(ABC_512);
    expect(blake2b(Buffer.from("abc"), 32).toString("hex")).toBe(ABC_256);
  });

  test.each([0, 1, 74, 127, 128, 129, 255, 256, 257, 1000])(
    "agrees with the runtime on %d bytes",
    (length) => {
      const content = randomBytes(length, length);
      expect(blake2b(content, 64)).toEqual(createHash("blake2b512").update(content).digest());
    },
  );
});
