import { linkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { readTextBounded } from "../fs/read-bounded.ts";
import { scratchDirectory } from "../fs/scratch-directory.ts";
import { cmd } from "../host/cmd.ts";
import type { Host } from "../host/host.ts";
import { CommandError, during } from "../text/errors.ts";
import { verifySignature } from "./signature.ts";
import { keyBytes, type PublicKey, readKeyText, readPublicKey } from "./signature-keys.ts";

/**
 * A secret key of minisign. Only minisign decrypts it and signs with it. minisign 0.11 is too lenient: it allocates as
 * much memory as a key requests, leaves half a signature after a failure, and ignores the checksum of a key without a
 * password. So the amount is limited here, it writes to a temporary directory, and each signature is verified before it
 * is returned. A wrong number in a key without a password is not detected: verification with the published key fails
 * then.
 */
export interface SigningKey {
  readonly file: string;
  /** Undefined: the key has none. */
  readonly password: string | undefined;
  readonly publicKey: PublicKey;
}

/** Environment variable that holds the password of an encrypted secret key. */
export const PASSWORD_VARIABLE = "K3OS_SIGN_PASSWORD";

/**
 * The offsets of the fields in a secret key (src/minisign.h, SeckeyStruct):
 *
 *     "Ed"  kdf 2  "B2"  salt 32  operations 8  memory 8  protected 104
 */
const AT = { kdf: 2, checksum: 4, salt: 6, memory: 46 } as const;
const LENGTH = 158;
/** minisign's own keys require 1024 MiB. */
const MAX_MEMORY_MIB = 2048;
/** Four lines; minisign's lines have at most 4096 bytes. */
const MAX_SIGNATURE = 1 << 14;

/** Opens a secret key. Its password comes from the environment or a prompt. Throws CommandError. */
export async function openSigningKey(file: string, host: Pick<Host, "env" | "run">): Promise<SigningKey> {
  const text = readKeyText(file);
  return await during(`Opening the secret key "${file}"`, async () => {
    const password = isEncrypted(text)
      ? (host.env[PASSWORD_VARIABLE] ?? (await askedPassword(file)))
      : undefined;
    using scratch = scratchDirectory(tmpdir(), "k3os-sign-");
    const path = join(scratch.path, "key.pub");
    await runMinisign(cmd`minisign -R -s ${file} -p ${path}`, { password }, host);
    const key = { file, password, publicKey: readPublicKey(path) };
    // a key with a password is already verified by it
    if (password === undefined) await signContent(Buffer.alloc(0), "trial", key, host);
    return key;
  });
}

/** Creates a secret key without a password, unless the file exists. Throws CommandError. */
export async function makeSigningKey(file: string, host: Pick<Host, "run">): Promise<void> {
  await during(`Creating the secret key "${file}"`, async () => {
    using scratch = scratchDirectory(dirname(file), ".k3os-key-");
    const [secret, open] = [join(scratch.path, "key"), join(scratch.path, "key.pub")];
    await runMinisign(cmd`minisign -G -W -s ${secret} -p ${open}`, {}, host);
    linkSync(secret, file);
  });
}

/**
 * Signs content and a trusted comment of one line; returns the text of the signature file. The same input results in
 * the same text. Throws CommandError, also if the signature is invalid.
 */
export async function signContent(
  content: Uint8Array,
  trustedComment: string,
  key: SigningKey,
  host: Pick<Host, "run">,
): Promise<string> {
  using scratch = scratchDirectory(tmpdir(), "k3os-sign-");
  const [file, path] = [join(scratch.path, "content"), join(scratch.path, "signature")];
  writeFileSync(file, content);
  const comments = ["-c", `signature from key ${key.publicKey.id}`, "-t", trustedComment];
  // -H: minisign before 0.10 signs in its legacy way without it
  await runMinisign(cmd`minisign -S -H -s ${key.file} -m ${file} -x ${path} ${comments}`, key, host);
  const signature = readTextBounded(path, { maxBytes: MAX_SIGNATURE });
  const signed = await during("The key may be damaged: what it signs is not good", () =>
    verifySignature(content, signature, [key.publicKey]),
  );
  if (signed === trustedComment) return signature;
  throw new CommandError(`Cannot sign: minisign changed the trusted comment to "${signed}"`);
}

/** Whether a secret key needs a password. Throws CommandError if it is invalid, or requires too much memory. */
function isEncrypted(text: string): boolean {
  const bytes = keyBytes(text, LENGTH);
  const field = (from: number, to: number) => bytes?.toString("latin1", from, to);
  const encrypted = field(AT.kdf, AT.checksum) === "Sc";
  const known = encrypted || field(AT.kdf, AT.checksum) === "\0\0";
  if (bytes === undefined || field(0, AT.kdf) !== "Ed" || field(AT.checksum, AT.salt) !== "B2" || !known) {
    throw new CommandError("Not a minisign secret key", { hint: "create one with minisign -G" });
  }
  const mebibytes = Math.ceil(Number(bytes.readBigUInt64LE(AT.memory)) / (1 << 20));
  if (encrypted && mebibytes > MAX_MEMORY_MIB)
    throw new CommandError(`The key requires ${mebibytes} MiB of memory, which is too much`);
  return encrypted;
}

async function askedPassword(file: string): Promise<string> {
  const { canAsk, openTerminal } = await import("../terminal/prompt.ts");
  if (canAsk()) {
    using terminal = openTerminal();
    return await terminal.secret(`Password of "${file}"`, () => undefined);
  }
  throw new CommandError("It is encrypted, and there is no terminal to prompt for its password", {
    hint: `set the password in ${PASSWORD_VARIABLE}`,
  });
}

/** Runs minisign with the password on its standard input. Throws CommandError. */
async function runMinisign(
  argv: readonly string[],
  { password = "" }: { readonly password?: string | undefined },
  host: Pick<Host, "run">,
): Promise<void> {
  const wrong = new CommandError("The password is wrong", {
    hint: `check ${PASSWORD_VARIABLE}, or unset it for a prompt`,
  });
  if (/[\r\n\0]/.test(password)) throw wrong; // minisign reads one line
  const { code, stderr } = await run(argv, `${password}\n`, host);
  if (code === 0) return;
  if (stderr.includes("Wrong password")) throw wrong;
  // its prompt is also there
  const reason = stderr.trim().split("\n").at(-1);
  throw new CommandError(`minisign failed (exit status ${code}): ${reason}`);
}

async function run(argv: readonly string[], input: string, host: Pick<Host, "run">) {
  try {
    return await host.run(argv, { input, check: false });
  } catch (error) {
    const { cause } = error as Error;
    if ((cause as NodeJS.ErrnoException | undefined)?.code !== "ENOENT") throw error;
    throw new CommandError("minisign is not installed", { hint: "run: sudo apt-get install minisign" });
  }
}
