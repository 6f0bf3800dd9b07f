import { defineCommand } from "../lib/tools/cli/cli.ts";
import { CommandError, EXIT } from "../lib/tools/text/errors.ts";

export const health = defineCommand({
  description: `
Looks whether this machine is healthy: all services started, the configuration
applied, k3s ready where it is configured, and every executable below
/var/lib/rancher/k3os/health.d ended with status 0.

With --judge, as the service k3os-health does after an upgrade, it waits for
that, and keeps the new versions; when the machine has not become healthy in
time, it restarts with the versions before.`,
  options: {
    judge: { type: "boolean", help: "decide about an upgrade that is on trial" },
    deadline: {
      type: "string",
      value: "SECONDS",
      help: "time to become healthy (default: 600)",
      env: "K3OS_HEALTH_DEADLINE",
    },
  },
  exits: {
    done: "healthy; with --judge also: nothing is on trial",
    failed: "not healthy; with --judge the machine restarts with the versions before",
  },
  needsRoot: ({ values }) => values.judge === true,
  run: async ({ values }, host) => {
    const { findFaults } = await import("../lib/upgrade/health-checks.ts");
    const seconds = Number(values.deadline ?? 600);
    if (!Number.isFinite(seconds) || seconds < 0) {
      throw new CommandError(`"${values.deadline}" is no number of seconds`);
    }
    if (!values.judge) {
      const faults = await findFaults(host);
      if (faults.length > 0) throw new CommandError(`Not healthy: ${faults.join("; ")}`);
      host.print("healthy\n");
      return EXIT.done;
    }
    const { judgeTrial } = await import("../lib/upgrade/bless.ts");
    const faults = await judgeTrial(seconds * 1000, host);
    if (faults === undefined || faults.length === 0) return EXIT.done;
    host.log.error(`Not healthy: ${faults.join("; ")}. Restarting with the versions before`);
    const { restartNow } = await import("../lib/upgrade/restart.ts");
    await restartNow(host);
    return EXIT.failed;
  },
});
