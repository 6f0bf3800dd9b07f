import { randomBytes, scryptSync } from "node:crypto";
import { runProgram } from "../../lib/tools/host/host.ts";
import { type SecretKey, scryptParameters, secretKeyFile } from "../../lib/tools/release/signature-keys.ts";

/** The least work that libsodium does, and little memory (1 MiB): a test takes milliseconds. */
const OPERATIONS = 32768;
const MEMORY = 1 << 20;
/** Where salt, limits, and what is encrypted begin in a secret key of minisign. */
const AT = { kdf: 2, salt: 6, operations: 38, memory: 46, content: 54 } as const;

/** The text of a secret key's file, encrypted as minisign does, but with less work. */
export function encryptedKeyFile(key: SecretKey, password: string): string {
  const [comment = "", line = ""] = secretKeyFile(key).split("\n");
  const bytes = Buffer.from(line, "base64");
  const salt = randomBytes(32);
  bytes.write("Sc", AT.kdf, "latin1");
  salt.copy(bytes, AT.salt);
  bytes.writeBigUInt64LE(BigInt(OPERATIONS), AT.operations);
  bytes.writeBigUInt64LE(BigInt(MEMORY), AT.memory);
  const content = bytes.subarray(AT.content);
  const stream = scryptSync(password, salt, content.length, scryptParameters(OPERATIONS, MEMORY));
  for (const [i, byte] of stream.entries()) content[i] = (content[i] ?? 0) ^ byte;
  return `${comment}\n${bytes.toString("base64")}\n`;
}

/** Runs minisign in a directory; what it asks for is answered with `input`. Throws if it is not content. */
export async function minisign(cwd: string, args: readonly string[], input = ""): Promise<string> {
  return (await runProgram(["minisign", ...args], { cwd, input })).stdout;
}
