import { describe, expect, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  encodePublicKey,
  makeSecretKey,
  openSecretKey,
  parsePublicKey,
  publicKeyFile,
  readPublicKey,
  readSecretKey,
  scryptParameters,
  secretKeyFile,
} from "../../../../lib/tools/release/signature-keys.ts";
import { testHost } from "../../../support/host.ts";
import { encryptedKeyFile, minisign } from "../../../support/minisign.ts";

/** A key that minisign 0.11 made, and thrown away. */
const PUBLIC = "RWTqiLyn1oMTo6EkQZe2CHzT0qeAL9JGcxeztsLLb/T8q2FHHCggUEUo";
const ID = "A31383D6A7BC88EA";

const noPassword = async (): Promise<string> => {
  throw new Error("no password was to be asked for");
};

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

describe("openSecretKey()", () => {
  const key = makeSecretKey();

  test("reads what secretKeyFile() writes, and asks for no password", async () => {
    expect(await openSecretKey(secretKeyFile(key), noPassword)).toEqual(key);
  });

  test("reads the unencrypted keys of minisign 0.11, which have no checksum", async () => {
    const bytes = keyBytes(secretKeyFile(key));
    bytes.fill(0, 126);
    expect(await openSecretKey(bytes.toString("base64"), noPassword)).toEqual(key);
  });

  test("decrypts, and tells a wrong password", async () => {
    const text = encryptedKeyFile(key, "pässword");
    expect(await openSecretKey(text, async () => "pässword")).toEqual(key);
    for (const wrong of ["password", ""]) {
      await expect(openSecretKey(text, async () => wrong)).rejects.toThrow("The password is wrong");
    }
  });

  test.each([
    ["the number", 54],
    ["the seed", 62],
    ["the public key", 94],
    ["the checksum", 157],
  ])("tells a key with a bad byte in %s", async (_, at) => {
    const bytes = keyBytes(secretKeyFile(key));
    bytes[at] = (bytes[at] ?? 0) ^ 1;
    await expect(openSecretKey(bytes.toString("base64"), noPassword)).rejects.toThrow("The key is damaged");
  });

  test("tells what is no secret key", async () => {
    for (const text of [
      "",
      "hello\n",
      publicKeyFile(key.publicKey),
      secretKeyFile(key).replace("RWQ", "RXQ"),
    ]) {
      await expect(openSecretKey(text, noPassword)).rejects.toThrow("Not a minisign secret key");
    }
  });

  test("refuses a key that asks for more memory than sane", async () => {
    const bytes = keyBytes(encryptedKeyFile(key, ""));
    bytes.writeBigUInt64LE(1n << 40n, 46);
    await expect(openSecretKey(bytes.toString("base64"), async () => "")).rejects.toThrow(
      "1048576 MiB of memory",
    );
  });
});

describe("readSecretKey()", () => {
  test("takes the password from the environment", async () => {
    const key = makeSecretKey();
    const files = { "/key": encryptedKeyFile(key, "pw") };
    using host = testHost({ files, env: { K3OS_SIGN_PASSWORD: "pw" } });
    const file = join(host.root, "key");
    expect(await readSecretKey(file, host)).toEqual(key);
  });
});

describe("scryptParameters()", () => {
  test.each([
    // what minisign makes, and halves where there is less memory (crypto_pwhash_scryptsalsa208sha256.h)
    ["sensitive", 33_554_432, 1_073_741_824, { N: 1_048_576, r: 8, p: 1 }],
    ["half of it", 16_777_216, 536_870_912, { N: 524_288, r: 8, p: 1 }],
    ["interactive", 524_288, 16_777_216, { N: 16_384, r: 8, p: 1 }],
    ["less than the least work", 1, 1 << 20, { N: 1024, r: 8, p: 1 }],
    ["little work for much memory", 32_768, 1 << 30, { N: 1024, r: 8, p: 1 }],
    ["much work in little memory", 33_554_432, 1 << 20, { N: 1024, r: 8, p: 1024 }],
  ])("are libsodium's: %s", (_, operations, memory, wanted) => {
    expect(scryptParameters(operations, memory)).toEqual(wanted);
  });
});

describe("minisign", () => {
  test("takes our keys, encrypted or not, and makes the same public key of them", async () => {
    using host = testHost();
    const key = makeSecretKey();
    const at = (name: string) => join(host.root, name);
    writeFileSync(at("plain.key"), secretKeyFile(key));
    writeFileSync(at("locked.key"), encryptedKeyFile(key, "pw"));
    for (const name of ["plain", "locked"]) {
      await minisign(host.root, ["-R", "-s", `${name}.key`, "-p", `${name}.pub`], "pw\n");
      expect(readFileSync(at(`${name}.pub`), "utf8")).toBe(publicKeyFile(key.publicKey));
    }
    await expect(
      minisign(host.root, ["-R", "-f", "-s", "locked.key", "-p", "x.pub"], "no\n"),
    ).rejects.toThrow("assword");
  });

  test("makes keys that we take", async () => {
    using host = testHost();
    await minisign(host.root, ["-G", "-W", "-s", "k.key", "-p", "k.pub"]);
    const { publicKey } = await readSecretKey(join(host.root, "k.key"), host);
    expect(readPublicKey(join(host.root, "k.pub"))).toEqual(publicKey);
  });
});

function keyBytes(text: string): Buffer {
  return Buffer.from(text.split("\n")[1] ?? "", "base64");
}
