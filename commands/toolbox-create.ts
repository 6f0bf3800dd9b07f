import { createToolbox, DEFAULT_IMAGE, IMAGE_OPTION } from "../lib/toolbox/toolbox-container.ts";
import { type Arguments, defineCommand } from "../lib/tools/cli/cli.ts";
import { EXIT } from "../lib/tools/text/errors.ts";

/** `k3os toolbox create` */
export const toolboxCreate = defineCommand({
  description: `
Fetches the image, whose name is a full one such as docker.io/library/alpine:3,
and starts the container.`,
  options: IMAGE_OPTION,
  exits: { failed: "there is a toolbox already, or it could not be made" },
  needsRoot: () => true,
  run: async ({ values }: Arguments<typeof IMAGE_OPTION>, host) => {
    await createToolbox(values.image ?? DEFAULT_IMAGE, host);
    return EXIT.done;
  },
});
