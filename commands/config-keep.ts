import { defineCommand } from "../lib/tools/cli/cli.ts";
import { EXIT } from "../lib/tools/text/errors.ts";

/** `k3os config keep` */
export const configKeep = defineCommand({
  description: `
Keeps the file that "k3os config try" has put into config.d.`,
  options: {},
  exits: { failed: "no configuration is being tried" },
  needsRoot: () => true,
  run: async (_args, host) => {
    const { keepConfig } = await import("../lib/apply/try-config.ts");
    host.log.info(`"${await keepConfig(host)}" is kept`);
    return EXIT.done;
  },
});
