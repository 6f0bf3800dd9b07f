import { defineCommand } from "../lib/tools/cli/cli.ts";
import { EXIT, UsageError } from "../lib/tools/text/errors.ts";

/** `service` and `rc-service`, and each file in /etc/init.d, as the original's OpenRC had them. */
export const service = defineCommand({
  usage: "NAME start|stop|restart|reload|status",
  description: `
Starts or stops a service by the name that it had in the original, or by its
own: "sshd" is the unit ssh.service. In boot_cmd, before services start, it
will be started with them.`,
  options: {
    list: { type: "boolean", short: "l", help: "list the services of the original" },
    exists: {
      type: "boolean",
      short: "e",
      help: "only say, by the exit status, whether there is such a service",
    },
    ifexists: { type: "boolean", short: "i", help: "do nothing if there is no such service" },
  },
  exits: {
    failed: "there is no such service, or systemctl failed",
    other: "3: with status: it does not run",
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
