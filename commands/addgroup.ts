import { ADDGROUP_OPTIONS, addgroupPrograms } from "../lib/legacy/account-commands.ts";
import { runPrograms } from "../lib/legacy/run-programs.ts";
import { defineCommand } from "../lib/tools/cli/cli.ts";

/** `addgroup`, as in the original's BusyBox. */
export const addgroup = defineCommand({
  usage: "[USER] GROUP",
  description: `
Adds a group, or adds a user to a group, with groupadd and usermod. Takes the
options of BusyBox.`,
  options: ADDGROUP_OPTIONS,
  maxPositionals: 2,
  needsRoot: () => true,
  run: ({ values, positionals }, host) => runPrograms(addgroupPrograms(values, positionals), host),
});
