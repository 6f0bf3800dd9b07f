import { defineCommand } from "../lib/tools/cli/cli.ts";
import { EXIT } from "../lib/tools/text/errors.ts";

export const status = defineCommand({
  description: `
Shows the versions that run, that boot next and that ran before, an upgrade on
trial, and versions that failed here and why. Then it shows the node: k3s,
failed services, configuration sources, addresses, disk and data source. Without
root, it omits what only root can read.`,
  options: {},
  json: "result",
  run: async (_args, host) => {
    const { describeStatus, readStatus } = await import("../lib/upgrade/generation-status.ts");
    const { readNode } = await import("../lib/inspect/node-facts.ts");
    const { describeNode } = await import("../lib/inspect/describe-node.ts");
    const { readDataSource } = await import("../lib/datasource/cache.ts");
    const versions = readStatus(host);
    const found = await readNode(versions.mode, host);
    const dataSource = readDataSource(host);
    const unseen = process.getuid?.() === 0 ? [] : ["the data source's kept answer (needs root)"];
    const node = { ...found, leftOut: [...found.leftOut, ...unseen] };
    host.tell?.({ event: "result", value: { ...versions, ...node, dataSource } });
    host.print(describeStatus(versions) + describeNode(node, dataSource));
    return EXIT.done;
  },
});
