import { ADDUSER_OPTIONS, adduserPrograms } from "../lib/legacy/account-commands.ts";
import { runPrograms } from "../lib/legacy/run-programs.ts";
import { defineCommand } from "../lib/tools/cli/cli.ts";

/** `adduser`, as in the original's BusyBox. */
export const adduser = defineCommand({
  usage: "USER [GROUP]",
  description: `
Adds a user, or adds a user to a group, with useradd and usermod. Takes the
options of BusyBox.`,
  options: ADDUSER_OPTIONS,
  maxPositionals: 2,
  needsRoot: () => true,
  run: ({ values, positionals }, host) => runPrograms(adduserPrograms(values, positionals), host),
});
