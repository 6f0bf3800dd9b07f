import { defineCommand } from "../lib/tools/cli/cli.ts";
import { EXIT } from "../lib/tools/text/errors.ts";

export const operator = defineCommand({
  description: `
Brings Kubernetes in line with this node: labels and taints of the
configuration, the result of an upgrade, and the end of its cordon. On a server
it also delivers the manifests of the release and sets the taints of all nodes.
The timer k3os-operator runs this every five minutes.`,
  options: {},
  exits: { failed: "the Kubernetes API cannot be reached, or a part failed" },
  needsRoot: () => true,
  run: async (_args, host) => {
    const { runOperator } = await import("../lib/operator/run-operator.ts");
    return (await runOperator(host)) ? EXIT.done : EXIT.failed;
  },
});
