import { delgroupPrograms } from "../lib/legacy/account-commands.ts";
import { runPrograms } from "../lib/legacy/run-programs.ts";
import { defineCommand } from "../lib/tools/cli/cli.ts";

/** `delgroup`, as in the original's BusyBox. */
export const delgroup = defineCommand({
  usage: "[USER] GROUP",
  description: `
Removes a group, or removes a user from a group, with groupdel and gpasswd.
Takes the options of BusyBox.`,
  options: {},
  maxPositionals: 2,
  needsRoot: () => true,
  run: ({ positionals }, host) => runPrograms(delgroupPrograms(positionals), host),
});
