import { dispatch } from "../lib/tools/cli/dispatch.ts";
import { COMMANDS } from "./commands.ts";

// no top-level await: for Node.js this becomes a CommonJS bundle
dispatch(COMMANDS, {
  argv0: process.argv0,
  argv: process.argv.slice(2),
  env: process.env,
  uid: process.getuid?.(),
  createHost: async (options) => (await import("../lib/tools/host/host.ts")).systemHost(options),
}).then((status) => process.exit(status));
