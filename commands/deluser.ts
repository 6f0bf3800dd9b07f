import { DELUSER_OPTIONS, deluserPrograms } from "../lib/legacy/account-commands.ts";
import { runPrograms } from "../lib/legacy/run-programs.ts";
import { defineCommand } from "../lib/tools/cli/cli.ts";

/** `deluser`, as in the original's BusyBox. */
export const deluser = defineCommand({
  usage: "USER [GROUP]",
  description: `
Removes a user, or removes a user from a group, with userdel and gpasswd. Takes
the options of BusyBox.`,
  options: DELUSER_OPTIONS,
  maxPositionals: 2,
  needsRoot: () => true,
  run: ({ values, positionals }, host) => runPrograms(deluserPrograms(values, positionals), host),
});
