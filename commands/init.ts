import { defineCommand } from "../lib/cli.ts";
import { CommandError } from "../lib/errors.ts";

export const init = defineCommand({
  options: {},
  run: async () => {
    throw new CommandError("This command is being written");
  },
});
