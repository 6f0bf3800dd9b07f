import { defineCommand } from "../lib/tools/cli/cli.ts";
import { CommandError } from "../lib/tools/text/errors.ts";

/** `apk`, which did not exist in the running original either: prints the alternatives. */
export const apk = defineCommand({
  usage: "...",
  description: `
k3OS has no packages: the system is one image. Run tools in a container with
"toolbox", or put your own programs into /usr/local/bin.`,
  options: {},
  rawArguments: true,
  run: () => {
    throw new CommandError("k3OS has no packages: the system is one image", {
      hint: 'run tools in a container with "sudo toolbox", or put static programs into /usr/local/bin',
    });
  },
});
