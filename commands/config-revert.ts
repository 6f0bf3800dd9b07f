import { defineCommand } from "../lib/tools/cli/cli.ts";
import { EXIT } from "../lib/tools/text/errors.ts";

/** `k3os config revert` */
export const configRevert = defineCommand({
  description: `
Takes back the file that "k3os config try" has put into config.d: the file of
before is put back and applied.`,
  options: {},
  exits: { failed: "no configuration is being tried" },
  needsRoot: () => true,
  run: async (_args, host) => {
    const { revertConfig } = await import("../lib/apply/try-config.ts");
    host.log.info(`"${await revertConfig(host)}" is taken back`);
    return EXIT.done;
  },
});
