import { createToolbox, DEFAULT_IMAGE, IMAGE_OPTION } from "../lib/toolbox/toolbox-container.ts";
import { type Arguments, defineCommand } from "../lib/tools/cli/cli.ts";
import { EXIT } from "../lib/tools/text/errors.ts";

/** `k3os toolbox create` */
export const toolboxCreate = defineCommand({
  description: `
Pulls the image and starts the container. The image needs its full name, such as
docker.io/library/alpine:3.`,
  options: IMAGE_OPTION,
  exits: { failed: "a toolbox exists already, or could not be created" },
  needsRoot: () => true,
  run: async ({ values }: Arguments<typeof IMAGE_OPTION>, host) => {
    await createToolbox(values.image ?? DEFAULT_IMAGE, host);
    return EXIT.done;
  },
});
