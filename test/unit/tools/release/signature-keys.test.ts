import { describe, expect, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  encodePublicKey,
  parsePublicKey,
  publicKeyFile,
  readPublicKey,
} from "../../../../lib/tools/release/signature-keys.ts";
import { testHost } from "../../../support/host.ts";
import { makeSecretKey, minisign, secretKeyFile } from "../../../support/minisign.ts";

/** A key that minisign 0.11 made, and thrown away. */
const PUBLIC = "RWTqiLyn1oMTo6EkQZe2CHzT0qeAL9JGcxeztsLLb/T8q2FHHCggUEUo";
const ID = "A31383D6A7BC88EA";

describe("parsePublicKey()", () => {
  test.each([
    ["a file", `untrusted comment: minisign public key ${ID}\n${PUBLIC}\n`],
    ["a file with CRLF, cut off", `untrusted comment: x\r\n${PUBLIC}`],
    ["base64", PUBLIC],
    ["base64 of a line", ` ${PUBLIC}\n`],
  ])("reads %s", (_, text) => {
    const key = parsePublicKey(text);
    expect([key.id, key.point.length, encodePublicKey(key)]).toEqual([ID, 32, PUBLIC]);
  });

  test.each([
    ["nothing", ""],
    ["a comment alone", "untrusted comment: x\n"],
    ["a key that lacks a byte", PUBLIC.slice(0, -4)],
    ["a key with a byte too many", `${PUBLIC}AA==`],
    ["another algorithm", `RX${PUBLIC.slice(2)}`],
    ["two keys", `${PUBLIC}\n${PUBLIC}\n`],
    ["a key of ssh", "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHsvpVyI4G4Gj1Cv4JmBWp5qkP6d6ZBZbdR6h2KQ0Q0b me"],
    ["characters that are not base64's", PUBLIC.replace("T", "*")],
  ])("refuses %s", (_, text) => {
    expect(() => parsePublicKey(text)).toThrow("Not a minisign public key");
  });

  test("prints the number of a key without leading zeros, as minisign does", () => {
    const bytes = Buffer.from(PUBLIC, "base64");
    bytes.writeBigUInt64LE(0x5b87900ae2779n, 2);
    expect(parsePublicKey(bytes.toString("base64")).id).toBe("5B87900AE2779");
  });
});

describe("readPublicKey()", () => {
  test("takes a path, or the key itself", () => {
    using host = testHost({ files: { "/k.pub": `untrusted comment: x\n${PUBLIC}\n`, "/bad": "hello\n" } });
    expect(readPublicKey(join(host.root, "k.pub"))).toEqual(readPublicKey(PUBLIC));
    expect(() => readPublicKey(join(host.root, "bad"))).toThrow(/bad" is not a minisign public key$/);
    expect(() => readPublicKey("/nonexistent/k.pub")).toThrow('Cannot read the key "/nonexistent/k.pub"');
  });
});

test("minisign writes public keys as we do", async () => {
  using host = testHost();
  const key = makeSecretKey();
  writeFileSync(join(host.root, "k.key"), secretKeyFile(key));
  await minisign(host.root, ["-R", "-s", "k.key", "-p", "k.pub"]);
  expect(readFileSync(join(host.root, "k.pub"), "utf8")).toBe(publicKeyFile(key.publicKey));
});
