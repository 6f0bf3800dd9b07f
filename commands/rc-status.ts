import { defineCommand } from "../lib/tools/cli/cli.ts";
import { EXIT } from "../lib/tools/text/errors.ts";

/** `rc-status`, as in the original's OpenRC. */
export const rcStatus = defineCommand({
  usage: "[RUNLEVEL]",
  description: `
Lists the services of rancher/k3os and whether they run. For all units, run
"systemctl status".`,
  options: {
    all: { type: "boolean", short: "a", help: "accepted and ignored: there is one runlevel" },
    servicelist: { type: "boolean", short: "s", help: "accepted and ignored: this is the list" },
  },
  maxPositionals: 1,
  run: async (_, host) => {
    const { describeServices } = await import("../lib/legacy/service-control.ts");
    host.print(await describeServices(host));
    return EXIT.done;
  },
});
