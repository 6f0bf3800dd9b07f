import { defineCommand } from "../lib/cli.ts";
import { EXIT } from "../lib/errors.ts";

export const status = defineCommand({
  description: `
Shows what runs, which versions the next start of the machine runs, which ran
before, whether an upgrade is on trial, and which have failed here and why.`,
  options: { json: { type: "boolean", help: "print JSON" } },
  run: async ({ values }, host) => {
    const { describeStatus, readStatus } = await import("../lib/upgrade/status.ts");
    const found = readStatus(host);
    host.print(values.json ? `${JSON.stringify(found)}\n` : describeStatus(found));
    return EXIT.done;
  },
});
