import { removeToolbox } from "../lib/toolbox/toolbox-container.ts";
import { defineCommand } from "../lib/tools/cli/cli.ts";
import { EXIT } from "../lib/tools/text/errors.ts";

/** `k3os toolbox rm` */
export const toolboxRm = defineCommand({
  description: `
Kills all processes in the container and removes it, with everything that was
installed in it. The image is kept.`,
  options: {},
  exits: { failed: "no toolbox exists, or it could not be removed" },
  needsRoot: () => true,
  run: async (_args, host) => {
    await removeToolbox(host);
    return EXIT.done;
  },
});
