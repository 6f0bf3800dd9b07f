import { defineCommand } from "../lib/tools/cli/cli.ts";
import { cmd } from "../lib/tools/host/cmd.ts";
import type { Host } from "../lib/tools/host/host.ts";
import { UNIT } from "../lib/tools/host/paths.ts";
import { CommandError, EXIT } from "../lib/tools/text/errors.ts";

export const health = defineCommand({
  description: `
Checks node health: all services are running, the configuration is applied, k3s
is ready if it is configured, and every executable in
/var/lib/rancher/k3os/health.d exits with status 0.

--judge waits until the node is healthy, then keeps the new versions. If the
node is not healthy by the deadline, it reboots into the previous versions. The
deadline is three times as long while k3s still starts and has not ended by
itself. The service k3os-health runs this after an upgrade.`,
  options: {
    judge: { type: "boolean", help: "keep an upgrade on trial, or roll it back" },
    deadline: {
      type: "string",
      value: "SECONDS",
      help: "deadline for becoming healthy (default: 600)",
      env: "K3OS_HEALTH_DEADLINE",
    },
  },
  exits: {
    done: "healthy; with --judge also: no upgrade is on trial",
    failed: "not healthy; with --judge the node reboots into the previous versions",
  },
  needsRoot: ({ values }) => values.judge === true,
  run: async ({ values }, host) => {
    const { findFaults } = await import("../lib/upgrade/health-checks.ts");
    const seconds = Number(values.deadline ?? 600);
    if (!Number.isFinite(seconds) || seconds < 0) {
      throw new CommandError(`"${values.deadline}" is not a number of seconds`);
    }
    if (!values.judge) {
      const faults = await findFaults(host);
      if (faults.length > 0) throw new CommandError(`Not healthy: ${faults.join("; ")}`);
      host.print("healthy\n");
      return EXIT.done;
    }
    const { judgeTrial } = await import("../lib/upgrade/bless.ts");
    const faults = await judgeTrial(seconds * 1000, host);
    if (faults?.length === 0) await settleInKubernetes(host);
    if (faults === undefined || faults.length === 0) return EXIT.done;
    host.log.error(`Not healthy: ${faults.join("; ")}. Rebooting into the previous versions`);
    const { restartByForce } = await import("../lib/tools/host/power.ts");
    await restartByForce(host);
    return EXIT.failed;
  },
});

/** Does not wait for the timer: the node may still be cordoned. */
async function settleInKubernetes(host: Pick<Host, "run">): Promise<void> {
  await host.run(cmd`systemctl --no-block start ${UNIT.operator}`, { check: false });
}
