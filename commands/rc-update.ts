import { defineCommand } from "../lib/tools/cli/cli.ts";
import { EXIT, UsageError } from "../lib/tools/text/errors.ts";

/** `rc-update`, as in the original's OpenRC. */
export const rcUpdate = defineCommand({
  usage: "[add|del NAME [RUNLEVEL]]",
  description: `
Enables or disables a service for this boot, by its name in rancher/k3os or by
its unit name. /etc is new at every boot, so call it in boot_cmd. Without
arguments, it lists the services.`,
  options: {
    update: { type: "boolean", short: "u", help: "accepted and ignored" },
    all: { type: "boolean", short: "a", help: "accepted and ignored: there is one runlevel" },
  },
  maxPositionals: 3,
  needsRoot: ({ positionals: [action = "show"] }) => action !== "show",
  run: async ({ values, positionals: [action, name] }, host) => {
    const control = await import("../lib/legacy/service-control.ts");
    if (action === undefined || action === "show") {
      if (!values.update) host.print(await control.describeServices(host));
      return EXIT.done;
    }
    if (name === undefined) throw new UsageError("Missing argument: expected the name of a service");
    if (action === "add") await control.addToRunlevel(name, host);
    else if (action === "del" || action === "delete") await control.removeFromRunlevel(name, host);
    else throw new UsageError(`Unknown action "${action}": expected add or del`);
    return EXIT.done;
  },
});
