import { sshKeys } from "../lib/apply/authorize-ssh-keys.ts";
import { applyAll } from "../lib/apply/stages.ts";
import { hasErrors, logDiagnostics } from "../lib/config/read/diagnostics.ts";
import { readConfig } from "../lib/config/read/read.ts";
import { type Arguments, defineCommand } from "../lib/tools/cli/cli.ts";
import { EXIT } from "../lib/tools/text/errors.ts";

const OPTIONS = {
  "dry-run": { type: "boolean", help: "fetch the keys, say what would be written, and change nothing" },
} as const;

/** `k3os ssh-keys apply`: what the timer k3os-ssh-keys runs. */
export const sshKeysApply = defineCommand({
  description: `
Fetches the keys of ssh_authorized_keys of the configuration and brings
authorized_keys of the user rancher up to date; nothing else of the
configuration is applied. A source that fails keeps the keys that it gave last.`,
  options: OPTIONS,
  exits: { failed: "a source failed, or the configuration has errors; all else is in effect" },
  needsRoot: ({ values }) => !values["dry-run"],
  run: async ({ values }: Arguments<typeof OPTIONS>, host) => {
    const dryRun = values["dry-run"];
    const { config, diagnostics } = await readConfig(host);
    logDiagnostics(diagnostics, host);
    const failures = await applyAll("runtime", [sshKeys({ network: true })], config, { ...host, dryRun });
    return failures.length === 0 && !hasErrors(diagnostics) ? EXIT.done : EXIT.failed;
  },
});
