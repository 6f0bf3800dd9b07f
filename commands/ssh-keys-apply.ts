import { sshKeys } from "../lib/apply/authorize-ssh-keys.ts";
import { applyAll } from "../lib/apply/stages.ts";
import { hasErrors, logDiagnostics } from "../lib/config/read/diagnostics.ts";
import { readConfig } from "../lib/config/read/read.ts";
import { type Arguments, defineCommand } from "../lib/tools/cli/cli.ts";
import { EXIT } from "../lib/tools/text/errors.ts";

const OPTIONS = {
  "dry-run": { type: "boolean", help: "fetch the keys and show what would be written" },
} as const;

/** `k3os ssh-keys apply`, the command of the timer k3os-ssh-keys. */
export const sshKeysApply = defineCommand({
  description: `
Fetches the keys in ssh_authorized_keys and updates the authorized_keys of the
user rancher. The rest of the configuration is not applied. If a source fails,
its last known keys are kept.`,
  options: OPTIONS,
  exits: { failed: "a source failed, or the configuration has errors; the rest is applied" },
  needsRoot: ({ values }) => !values["dry-run"],
  run: async ({ values }: Arguments<typeof OPTIONS>, host) => {
    const dryRun = values["dry-run"];
    const { config, diagnostics } = await readConfig(host);
    logDiagnostics(diagnostics, host);
    const failures = await applyAll("runtime", [sshKeys({ network: true })], config, { ...host, dryRun });
    return failures.length === 0 && !hasErrors(diagnostics) ? EXIT.done : EXIT.failed;
  },
});
