import { defineCommand } from "../lib/tools/cli/cli.ts";
import { EXIT } from "../lib/tools/text/errors.ts";

/** `k3os doctor` */
export const doctor = defineCommand({
  description: `
Looks for what is wrong with this node or soon will be: machine, disk, versions,
boot menu, configuration, network, k3s. Says for everything that fails what to
do. Changes nothing; each check has 15 seconds. What only root may read is left
out for others, and what concerns k3OS on another Linux.`,
  exits: { done: "nothing fails; there may be warnings", failed: "something does" },
  options: { json: { type: "boolean", help: "print JSON" } },
  run: async ({ values }, host) => {
    const { runChecks } = await import("../lib/inspect/doctor-check.ts");
    const { CHECKS, describeFindings } = await import("../lib/inspect/doctor-checks.ts");
    const { runningMode } = await import("../lib/tools/node/running-mode.ts");
    const findings = await runChecks(CHECKS, runningMode(host), host);
    host.print(values.json ? `${JSON.stringify(findings)}\n` : describeFindings(findings));
    return findings.some(({ state }) => state === "failure") ? EXIT.failed : EXIT.done;
  },
});
