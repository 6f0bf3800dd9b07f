import { createHash, randomBytes, scryptSync, timingSafeEqual } from "node:crypto";
import { GENERATED } from "../config/schema/generated-files.ts";
import { cmd } from "../tools/host/cmd.ts";
import { type Applier, type ApplyHost, forEachItem, plainText } from "./applier.ts";
import { generator } from "./generator.ts";
import { putFile, readIfExists } from "./system-files.ts";
import { USER } from "./users.ts";

/** The last applied password, so that a plain-text password is not hashed again with a new salt every time. */
const RECORD = "/run/k3os/password";

/** Sets the password of `rancher`. It is passed to chpasswd(8) by standard input, never by an argument, file or log. */
export const password: Applier = {
  name: "password",
  apply: async (config, host) => {
    const value = config.k3os?.password ?? "";
    if (value === "" || generator(config, host).isWritten(GENERATED.password)) return;
    await forEachItem([["k3os.password", value]], () => setPassword(plainText(value), host));
  },
};

async function setPassword(value: string, host: ApplyHost): Promise<void> {
  const isHash = value.startsWith("$");
  const current = shadowField(host);
  if (isHash ? current === value : isRecorded(value, current, host)) return;
  if (host.dryRun) {
    host.log.info(`Would set the password of "${USER}"`);
    return;
  }
  const argv = cmd`chpasswd ${isHash ? ["-e"] : []} ${host.root === "/" ? [] : ["--root", host.root]}`;
  await host.run(argv, { input: `${USER}:${value}\n` });
  if (!isHash) record(value, shadowField(host), host);
}

/** The hashed password in /etc/shadow (shadow(5)). */
function shadowField(host: Pick<ApplyHost, "root">): string | undefined {
  const lines = (readIfExists("/etc/shadow", host) ?? "").split("\n").map((line) => line.split(":"));
  return lines.find(([name]) => name === USER)?.[1];
}

function record(value: string, field: string | undefined, host: ApplyHost): void {
  if (field === undefined) return;
  const salt = randomBytes(16).toString("hex");
  putFile(RECORD, `${salt} ${digest(value, field, salt).toString("hex")}\n`, { mode: 0o600 }, host);
}

function isRecorded(value: string, field: string | undefined, host: ApplyHost): boolean {
  const [salt = "", known = ""] = (readIfExists(RECORD, host) ?? "").trim().split(" ");
  if (field === undefined || !/^[0-9a-f]{64}$/.test(known)) return false;
  return timingSafeEqual(digest(value, field, salt), Buffer.from(known, "hex"));
}

/** Hard to guess, and bound to the hash from chpasswd. */
function digest(value: string, field: string, salt: string): Buffer {
  return createHash("sha256")
    .update(scryptSync(value, salt, 32))
    .update(field)
    .digest();
}
