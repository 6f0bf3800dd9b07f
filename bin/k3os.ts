import { dispatch } from "../lib/dispatch.ts";
import { COMMANDS } from "./commands.ts";

const status = await dispatch(COMMANDS, {
  argv0: process.argv0,
  argv: process.argv.slice(2),
  env: process.env,
  createHost: async (options) => (await import("../lib/host.ts")).systemHost(options),
});
process.exit(status);
