import { defineCommand } from "../lib/tools/cli/cli.ts";
import { EXIT } from "../lib/tools/text/errors.ts";

/** `k3os doctor` */
export const doctor = defineCommand({
  description: `
Checks for present and imminent problems: machine, disk, versions, boot menu,
configuration, network and k3s. Each failure comes with a fix. Nothing is
changed; each check has a timeout of 15 seconds. Checks that need root are
skipped for other users, and checks of k3OS itself are skipped on another Linux.`,
  exits: { done: "no check failed; there may be warnings", failed: "a check failed" },
  options: {},
  json: "result",
  run: async (_args, host) => {
    const { runChecks } = await import("../lib/inspect/doctor-check.ts");
    const { CHECKS, describeFindings } = await import("../lib/inspect/doctor-checks.ts");
    const { runningMode } = await import("../lib/tools/node/running-mode.ts");
    const findings = await runChecks(CHECKS, runningMode(host), host);
    host.tell?.({ event: "result", value: findings });
    host.print(describeFindings(findings));
    return findings.some(({ state }) => state === "failure") ? EXIT.failed : EXIT.done;
  },
});
