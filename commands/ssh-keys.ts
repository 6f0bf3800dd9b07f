import { defineCommand } from "../lib/tools/cli/cli.ts";
import { UsageError } from "../lib/tools/text/errors.ts";

/** `k3os ssh-keys`: does nothing without a subcommand. */
export const sshKeys = defineCommand({
  usage: "SUBCOMMAND",
  options: {},
  subcommands: {
    fetch: {
      summary: "Print the SSH keys of an account or a URL",
      load: async () => (await import("./ssh-keys-fetch.ts")).sshKeysFetch,
    },
    apply: {
      summary: "Refresh the SSH keys in the configuration",
      load: async () => (await import("./ssh-keys-apply.ts")).sshKeysApply,
    },
  },
  run: async () => {
    throw new UsageError('Missing subcommand: "fetch" or "apply"');
  },
});
