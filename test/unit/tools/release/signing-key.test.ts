import { describe, expect, test } from "bun:test";
import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type RunOptions, runProgram } from "../../../../lib/tools/host/host.ts";
import { verifySignature } from "../../../../lib/tools/release/signature.ts";
import { encodePublicKey, publicKeyFile } from "../../../../lib/tools/release/signature-keys.ts";
import { makeSigningKey, openSigningKey, signContent } from "../../../../lib/tools/release/signing-key.ts";
import { testHost } from "../../../support/host.ts";
import {
  LOCKED_KEY,
  LOCKED_PUBLIC,
  makeSecretKey,
  PASSWORD,
  secretKeyFile,
  signContent as signOurselves,
} from "../../../support/minisign.ts";

const KEY = makeSecretKey();
const PLAIN = secretKeyFile(KEY);
const CONTENT = Buffer.from("content\n");

/** Runs programs, and keeps what they were called with. */
function recordedRuns() {
  const calls: { argv: readonly string[]; input: RunOptions["input"] }[] = [];
  const run = (argv: readonly string[], options: RunOptions = {}) => {
    calls.push({ argv, input: options.input });
    return runProgram(argv, options);
  };
  return { calls, run };
}

/** Opens a key of this text. */
async function open(text: string, password?: string) {
  using host = testHost({ files: { "/k.key": text } });
  const { run } = recordedRuns();
  return await openSigningKey(join(host.root, "k.key"), { run, env: { K3OS_SIGN_PASSWORD: password } });
}

/** The text of a key with bytes changed. */
function changed(text: string, change: (bytes: Buffer) => void): string {
  const [comment, line = ""] = text.split("\n");
  const bytes = Buffer.from(line, "base64");
  change(bytes);
  return `${comment}\n${bytes.toString("base64")}\n`;
}

describe("openSigningKey()", () => {
  test("opens a key without a password, and asks for none", async () => {
    expect(await open(PLAIN)).toMatchObject({ password: undefined, publicKey: KEY.publicKey });
  });

  test("opens an encrypted key, and tells a wrong password", async () => {
    const { publicKey } = await open(LOCKED_KEY, PASSWORD);
    expect(encodePublicKey(publicKey)).toBe(LOCKED_PUBLIC);
    for (const wrong of ["password", "", `${PASSWORD}\n`, `${PASSWORD}\nmore`, `${PASSWORD}\r`]) {
      await expect(open(LOCKED_KEY, wrong)).rejects.toMatchObject({
        cause: expect.objectContaining({ message: "The password is wrong" }),
        hint: "check K3OS_SIGN_PASSWORD, or unset it for a prompt",
      });
    }
  });

  test("gives minisign the password on its standard input, never in its arguments", async () => {
    using host = testHost({ files: { "/k.key": LOCKED_KEY } });
    const { calls, run } = recordedRuns();
    const signer = { run, env: { K3OS_SIGN_PASSWORD: PASSWORD } };
    const key = await openSigningKey(join(host.root, "k.key"), signer);
    const signature = await signContent(CONTENT, "comment", key, signer);
    expect(verifySignature(CONTENT, signature, [key.publicKey])).toBe("comment");
    expect(calls.map(({ argv, input }) => [argv[1], input])).toEqual([
      ["-R", `${PASSWORD}\n`],
      ["-S", `${PASSWORD}\n`],
    ]);
    expect(calls.flatMap(({ argv }) => argv).filter((word) => word.includes(PASSWORD))).toEqual([]);
  });

  test.each([
    ["the seed", 62],
    ["the public key", 94],
  ])("tells a key with a bad byte in %s, which minisign signs with", async (_, at) => {
    const text = changed(PLAIN, (bytes) => bytes.writeUInt8(bytes.readUInt8(at) ^ 1, at));
    await expect(open(text)).rejects.toThrow(/^Opening the secret key ".*k.key"$/);
    await expect(open(text)).rejects.toMatchObject({
      cause: expect.objectContaining({ message: "The key may be damaged: what it signs is not good" }),
    });
  });

  test("tells an encrypted key with a bad byte", async () => {
    for (const at of [54, 62, 94, 157]) {
      const text = changed(LOCKED_KEY, (bytes) => bytes.writeUInt8(bytes.readUInt8(at) ^ 1, at));
      await expect(open(text, PASSWORD)).rejects.toMatchObject({
        cause: expect.objectContaining({ message: "The password is wrong" }),
      });
    }
  });

  test.each([
    ["nothing", ""],
    ["a text", "hello\n"],
    ["a public key", publicKeyFile(KEY.publicKey)],
    ["another algorithm", PLAIN.replace("RWQ", "RXQ")],
    ["an unknown encryption", changed(PLAIN, (bytes) => bytes.write("Xx", 2))],
    ["an unknown checksum", changed(PLAIN, (bytes) => bytes.write("B3", 4))],
    ["a byte too many", PLAIN.replace(/=*\n$/, "AAAA\n")],
  ])("refuses %s before minisign sees it", async (_, text) => {
    using host = testHost({ files: { "/k.key": text } });
    await expect(openSigningKey(join(host.root, "k.key"), host)).rejects.toMatchObject({
      cause: expect.objectContaining({ message: "Not a minisign secret key" }),
    });
    expect(host.programs).toEqual([]);
  });

  test("refuses a key that asks for more memory than sane before minisign takes it", async () => {
    const text = changed(LOCKED_KEY, (bytes) => bytes.writeBigUInt64LE(1n << 40n, 46));
    using host = testHost({ files: { "/k.key": text } });
    await expect(openSigningKey(join(host.root, "k.key"), host)).rejects.toMatchObject({
      cause: expect.objectContaining({
        message: "The key requires 1048576 MiB of memory, which is too much",
      }),
    });
    expect(host.programs).toEqual([]);
  });

  test("says what minisign said, which is not its prompt", async () => {
    const files = { "/k.key": LOCKED_KEY };
    const stderr = "Password: \nUnable to complete key derivation: Cannot allocate memory\n";
    using host = testHost({ files, env: { K3OS_SIGN_PASSWORD: "x" }, answer: () => ({ code: 2, stderr }) });
    await expect(openSigningKey(join(host.root, "k.key"), host)).rejects.toMatchObject({
      cause: expect.objectContaining({
        message: "minisign failed (exit status 2): Unable to complete key derivation: Cannot allocate memory",
      }),
    });
  });

  test("says how to get minisign where there is none", async () => {
    using host = testHost({ files: { "/k.key": PLAIN } });
    const run = ([, ...args]: readonly string[]) => runProgram([join(host.root, "minisign"), ...args]);
    await expect(openSigningKey(join(host.root, "k.key"), { ...host, run })).rejects.toMatchObject({
      cause: expect.objectContaining({ message: "minisign is not installed" }),
      hint: "run: sudo apt-get install minisign",
    });
  });
});

describe("signContent()", () => {
  test("signs the same as by the format, and leaves the directory alone", async () => {
    using host = testHost({ files: { "/k.key": PLAIN } });
    const signer = { ...host, run: runProgram };
    const key = await openSigningKey(join(host.root, "k.key"), signer);
    const comment = "timestamp:1\tfile:a b.txt\thashed";
    expect(await signContent(CONTENT, comment, key, signer)).toBe(signOurselves(CONTENT, comment, KEY));
    expect(readdirSync(host.root)).toEqual(["k.key"]);
  });

  test("signs as many bytes of comment as minisign takes, and fails for one more", async () => {
    using host = testHost({ files: { "/k.key": PLAIN } });
    const signer = { ...host, run: runProgram };
    const key = await openSigningKey(join(host.root, "k.key"), signer);
    const most = "x".repeat(4077);
    expect(verifySignature(CONTENT, await signContent(CONTENT, most, key, signer), [KEY.publicKey])).toBe(
      most,
    );
    await expect(signContent(CONTENT, `${most}x`, key, signer)).rejects.toThrow("xfprintf() overflow");
  });

  test.each(["", "two\nlines", "\x1b[2J"])("refuses the comment %j", async (comment) => {
    using host = testHost({ files: { "/k.key": PLAIN } });
    const signer = { ...host, run: runProgram };
    const key = await openSigningKey(join(host.root, "k.key"), signer);
    await expect(signContent(CONTENT, comment, key, signer)).rejects.toThrow();
  });

  test("gives away no signature of another kind, or of another key", async () => {
    using host = testHost({ files: { "/k.key": PLAIN } });
    const key = { file: join(host.root, "k.key"), password: undefined, publicKey: KEY.publicKey };
    const writing = (text: string) => async (argv: readonly string[]) => {
      writeFileSync(argv[argv.indexOf("-x") + 1] ?? "", text);
      return { code: 0, stdout: "", stderr: "" };
    };
    const good = signOurselves(CONTENT, "comment", KEY);
    expect(await signContent(CONTENT, "comment", key, { run: writing(good) })).toBe(good);
    const legacy = good.replace(/^RU/m, "RW");
    const foreign = signOurselves(CONTENT, "comment", makeSecretKey());
    for (const text of [legacy, foreign, good.slice(0, 150), signOurselves(CONTENT, "other", KEY)]) {
      await expect(signContent(CONTENT, "comment", key, { run: writing(text) })).rejects.toThrow();
    }
  });
});

describe("makeSigningKey()", () => {
  test("makes a key that only its owner can read, and replaces none", async () => {
    using host = testHost();
    const signer = { ...host, run: runProgram };
    const file = join(host.root, "k.key");
    await makeSigningKey(file, signer);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(await openSigningKey(file, signer)).toMatchObject({ password: undefined });
    const before = readFileSync(file, "utf8");
    await expect(makeSigningKey(file, signer)).rejects.toThrow("Creating the secret key");
    expect([readFileSync(file, "utf8"), readdirSync(host.root)]).toEqual([before, ["k.key"]]);
  });
});
