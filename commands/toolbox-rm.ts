import { defineCommand } from "../lib/cli.ts";
import { CommandError, EXIT } from "../lib/errors.ts";
import { removeToolbox } from "../lib/toolbox.ts";

/** `k3os toolbox rm` */
export const toolboxRm = defineCommand({
  description: `
Kills what runs in the container and removes it, with everything that was
installed in it. The image stays.`,
  options: {},
  exits: { failed: "there is no toolbox, or it could not be removed" },
  run: async (_args, host) => {
    if (process.getuid?.() !== 0) throw new CommandError("must be run as root");
    await removeToolbox(host);
    return EXIT.done;
  },
});
