import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { scratchDirectory } from "../../tools/fs/scratch-directory.ts";
import { cmd } from "../../tools/host/cmd.ts";
import type { Host } from "../../tools/host/host.ts";
import { CommandError, during } from "../../tools/text/errors.ts";
import { hasLogin, isComposed, type Step, withK3os } from "./step.ts";

/** The limit in bytes: crypt(3) of libxcrypt accepts less than its CRYPT_MAX_PASSPHRASE_SIZE, 512. */
const MAX_PASSWORD = 511;

/** The login user. */
const USER = "rancher";

/** A password for a user without a key: without either, no login is possible. Only its hash is kept. */
export const password: Step = {
  skip: (known) => !isComposed(known) || hasLogin(known.config),
  ask: async ({ config }, asker, host) => {
    for (;;) {
      const typed = await asker.secret(`Password for ${USER}`, passwordProblem);
      const again = await asker.secret("The same again", () => undefined);
      if (typed === again) {
        return { config: withK3os(config, { password: await hashPassword(typed, host) }) };
      }
      await asker.show("The two differ.\n");
    }
  },
};

export function passwordProblem(typed: string): string | undefined {
  const bytes = Buffer.byteLength(typed);
  if (bytes === 0) return "Expected a password";
  if (bytes > MAX_PASSWORD) return `Expected at most ${MAX_PASSWORD} bytes, found ${bytes}`;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: refusing them is the point
  return /[\x00-\x1f\x7f]/.test(typed) ? "Expected no control characters" : undefined;
}

/**
 * The password's hash (SHA-512, format of crypt(5)), made by chpasswd(8) in a temporary root: it reads the password
 * from standard input, and every Linux has it. Throws CommandError.
 */
export async function hashPassword(typed: string, host: Pick<Host, "run">): Promise<string> {
  using directory = scratchDirectory(tmpdir(), "k3os-password-");
  const root = directory.path;
  mkdirSync(join(root, "etc"));
  writeFileSync(join(root, "etc/passwd"), `${USER}:x:1000:1000::/:/bin/sh\n`);
  writeFileSync(join(root, "etc/shadow"), `${USER}:*:1::::::\n`, { mode: 0o600 });
  const argv = cmd`chpasswd --root ${root} --crypt-method SHA512`;
  await during("Hashing the password", () => host.run(argv, { input: `${USER}:${typed}\n` }));
  const hash = readFileSync(join(root, "etc/shadow"), "utf8").split(":")[1] ?? "";
  if (hash.startsWith("$6$")) return hash;
  throw new CommandError("Hashing the password: chpasswd set none");
}
