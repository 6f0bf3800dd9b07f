import { defineCommand } from "../lib/tools/cli/cli.ts";
import { UsageError } from "../lib/tools/text/errors.ts";

/** `ifenslave`, as in the original's BusyBox. */
export const ifenslave = defineCommand({
  usage: "BOND INTERFACE...",
  description: `
Adds interfaces to a bond, or removes them from it, with ip link. Takes the
options of BusyBox.`,
  options: { detach: { type: "boolean", short: "d", help: "remove the interfaces from the bond" } },
  maxPositionals: Number.POSITIVE_INFINITY,
  needsRoot: () => true,
  run: async ({ values, positionals: [bond, ...interfaces] }, host) => {
    if (bond === undefined || interfaces.length === 0) {
      throw new UsageError("Missing argument: expected BOND INTERFACE...");
    }
    const { runPrograms } = await import("../lib/legacy/run-programs.ts");
    const set = (name: string, ...words: string[]) => ["ip", "link", "set", "dev", name, ...words];
    if (values.detach)
      return await runPrograms(
        interfaces.map((name) => set(name, "nomaster")),
        host,
      );
    // the kernel accepts only interfaces that are down, and brings them up with the bond
    const commands = interfaces.flatMap((name) => [set(name, "down"), set(name, "master", bond)]);
    return await runPrograms([...commands, set(bond, "up")], host);
  },
});
