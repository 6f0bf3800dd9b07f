import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { readTextIfThere } from "../../tools/fs/read-bounded.ts";
import { inRoot, PATH } from "../../tools/host/paths.ts";
import { failedUnits } from "../../tools/host/systemd.ts";
import { defineCheck, type Verdict } from "../doctor-check.ts";

export const failedServices = defineCheck({
  name: "services",
  only: "k3OS",
  facts: (host) => failedUnits(host),
  judge: (units): Verdict =>
    units.length === 0
      ? { state: "ok", message: "none failed" }
      : {
          state: "failure",
          message: `failed: ${units.join(", ")}`,
          hint: `systemctl status ${units.join(" ")}`,
        },
});

export const bootFailures = defineCheck({
  name: "starts",
  only: "installed",
  facts: (host) => {
    const failures = inRoot(host, PATH.failures);
    return {
      failed: existsSync(failures) ? readdirSync(failures) : [],
      errors: errorsOf(readTextIfThere(inRoot(host, `${PATH.localState}/boot/boot.log`)) ?? ""),
    };
  },
  judge: judgeStarts,
});

/** Error messages in the journal of a boot. */
export function errorsOf(journal: string): string[] {
  return [...journal.matchAll(/^\S+ \[ *[\d.?]+\] (Error: .*)$/gm)].map(([, error = ""]) => error);
}

export function judgeStarts(found: { failed: readonly string[]; errors: readonly string[] }): Verdict {
  const { failed, errors } = found;
  if (errors.length > 0) {
    const hint = `read ${PATH.localState}/boot/boot.log`;
    return { state: "warning", message: `the latest: ${errors.join("; ")}`, hint };
  }
  if (failed.length > 0) {
    const hint = `read them, then remove them: ${failed.map((name) => join(PATH.failures, name)).join(" ")}`;
    return { state: "warning", message: "some have failed", hint };
  }
  return { state: "ok", message: "none has failed" };
}
