import { defineCommand } from "../lib/cli.ts";
import { CommandError } from "../lib/errors.ts";

export const install = defineCommand({
  options: {},
  run: async () => {
    throw new CommandError("This command is being written");
  },
});
