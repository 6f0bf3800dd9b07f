import { defineCommand } from "../lib/tools/cli/cli.ts";
import { EXIT, UsageError } from "../lib/tools/text/errors.ts";

/** `service` and `rc-service`, and each file in /etc/init.d, as in the original's OpenRC. */
export const service = defineCommand({
  usage: "NAME start|stop|restart|reload|status",
  description: `
Starts or stops a service by its name in rancher/k3os or by its unit name:
"sshd" is ssh.service. Called in boot_cmd, before services start, it schedules
the start.`,
  options: {
    list: { type: "boolean", short: "l", help: "list the services of rancher/k3os" },
    exists: {
      type: "boolean",
      short: "e",
      help: "check whether the service exists, by the exit status",
    },
    ifexists: { type: "boolean", short: "i", help: "do nothing if the service does not exist" },
  },
  exits: {
    failed: "the service does not exist, or systemctl failed",
    other: "3: with status: the service is not running",
  },
  maxPositionals: 2,
  needsRoot: ({ positionals: [, action = "status"] }) => action !== "status",
  run: async ({ values, positionals: [name, action] }, host) => {
    const { findService, knownServices } = await import("../lib/legacy/openrc-services.ts");
    if (values.list) {
      for (const [known] of knownServices(host)) host.print(`${known}\n`);
      return EXIT.done;
    }
    if (name === undefined) throw new UsageError("Missing argument: expected the name of a service");
    const isThere = findService(name, host).kind !== "unknown";
    if (values.exists) return isThere ? EXIT.done : EXIT.failed;
    if (action === undefined) throw new UsageError('Missing argument: expected an action such as "restart"');
    if (values.ifexists && !isThere) return EXIT.done;
    const { controlService } = await import("../lib/legacy/service-control.ts");
    return await controlService(name, action, host);
  },
});
