import { defineCommand } from "../lib/tools/cli/cli.ts";
import { EXIT } from "../lib/tools/text/errors.ts";

export const status = defineCommand({
  description: `
Shows what runs, which versions the next start of the machine runs, which ran
before, whether an upgrade is on trial, and which have failed here and why; then
the node: k3s, failed services, sources of the configuration, addresses, disk,
data source. Needs no root, but leaves out then what only root may read.`,
  options: { json: { type: "boolean", help: "print JSON" } },
  run: async ({ values }, host) => {
    const { describeStatus, readStatus } = await import("../lib/upgrade/generation-status.ts");
    const { readNode } = await import("../lib/inspect/node-facts.ts");
    const { describeNode } = await import("../lib/inspect/describe-node.ts");
    const { readDataSource } = await import("../lib/datasource/cache.ts");
    const versions = readStatus(host);
    const found = await readNode(versions.mode, host);
    const dataSource = readDataSource(host);
    const unseen = process.getuid?.() === 0 ? [] : ["the data source's kept answer (needs root)"];
    const node = { ...found, leftOut: [...found.leftOut, ...unseen] };
    host.print(
      values.json
        ? `${JSON.stringify({ ...versions, ...node, dataSource })}\n`
        : describeStatus(versions) + describeNode(node, dataSource),
    );
    return EXIT.done;
  },
});
