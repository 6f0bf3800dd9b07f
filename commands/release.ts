import { defineCommand } from "../lib/tools/cli/cli.ts";
import { UsageError } from "../lib/tools/text/errors.ts";

/** `k3os release`: does nothing without a subcommand. */
export const release = defineCommand({
  usage: "SUBCOMMAND",
  options: {},
  subcommands: {
    sign: {
      summary: "Sign the checksums of a release directory",
      load: async () => (await import("./release-sign.ts")).releaseSign,
    },
    verify: {
      summary: "Verify a release directory, or the checksum files at a URL",
      load: async () => (await import("./release-verify.ts")).releaseVerify,
    },
  },
  run: async () => {
    throw new UsageError('Missing subcommand: "sign" or "verify"');
  },
});
