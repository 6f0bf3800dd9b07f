import { readConfig } from "../lib/config/read/read.ts";
import { defineCommand } from "../lib/tools/cli/cli.ts";
import { EXIT } from "../lib/tools/text/errors.ts";

/** `k3os update-issue`, and the original's script of the same name. */
export const updateIssue = defineCommand({
  description: `
Writes the node's addresses to /etc/issue and refreshes the login prompts. A
customized /etc/issue is not changed.`,
  options: {},
  exits: { done: "done, or /etc/issue is customized" },
  needsRoot: () => true,
  run: async (_args, host) => {
    const { showAddresses } = await import("../lib/apply/show-addresses.ts");
    await showAddresses((await readConfig(host)).config, host);
    return EXIT.done;
  },
});
