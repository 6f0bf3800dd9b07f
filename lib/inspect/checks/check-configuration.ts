import { type Diagnostic, formatDiagnostic } from "../../config/read/diagnostics.ts";
import { readConfig } from "../../config/read/read.ts";
import { readTextIfThere } from "../../tools/fs/read-bounded.ts";
import { inRoot } from "../../tools/host/paths.ts";
import { notApplied } from "../../tools/node/applied.ts";
import { readKeys } from "../../tools/node/ssh-key.ts";
import { defineCheck, type Verdict } from "../doctor-check.ts";

export const configuration = defineCheck({
  name: "configuration",
  only: "k3OS",
  facts: async (host) => (await readConfig(host)).diagnostics,
  judge: judgeConfiguration,
});

export function judgeConfiguration(diagnostics: readonly Diagnostic[]): Verdict {
  const hint = "k3os config validate; k3os config explain KEY";
  const [errors, warnings] = (["error", "warning"] as const).map((level) => {
    return diagnostics.filter(({ severity }) => severity === level).map(formatDiagnostic);
  });
  if (errors !== undefined && errors.length > 0)
    return { state: "failure", message: errors.join("; "), hint };
  if (warnings !== undefined && warnings.length > 0) {
    return { state: "warning", message: warnings.join("; "), hint };
  }
  return { state: "ok", message: "every source is valid" };
}

export const applied = defineCheck({
  name: "applied",
  only: "k3OS",
  facts: notApplied,
  judge: judgeApplied,
});

export function judgeApplied(problems: readonly string[]): Verdict {
  if (problems.length === 0) return { state: "ok", message: "everything of the configuration" };
  const hint = "see journalctl -b -u ccapply, fix it, then run sudo k3os config";
  return { state: "failure", message: `not in effect: ${problems.join("; ")}`, hint };
}

/** The SSH keys of the account for logins. */
const KEYS = "/home/rancher/.ssh/authorized_keys";
const SHADOW = "/etc/shadow";

export const login = defineCheck({
  name: "login",
  only: "installed",
  facts: (host) => {
    const [keys = "", shadow = ""] = [KEYS, SHADOW].map((path) => readTextIfThere(inRoot(host, path)));
    return { keys: readKeys(keys).keys.length, password: hasPassword(shadow, "rancher") };
  },
  judge: judgeLogin,
});

/** Whether /etc/shadow has a password that lets this user log in (shadow(5)). */
export function hasPassword(shadow: string, user: string): boolean {
  const line = shadow.split("\n").find((candidate) => candidate.startsWith(`${user}:`));
  return /^[^!*:]+$/.test(line?.split(":")[1] ?? "");
}

export function judgeLogin({ keys, password }: { keys: number; password: boolean }): Verdict {
  if (keys > 0) return { state: "ok", message: `SSH keys of rancher: ${keys}` };
  const hint = "set ssh_authorized_keys, or k3os.password for the console";
  if (password) return { state: "warning", message: "only on the console: rancher has no SSH key", hint };
  return { state: "failure", message: "nobody can log in: rancher has neither SSH key nor password", hint };
}
