import { existsSync } from "node:fs";
import { basename } from "node:path";
import { defineCommand } from "../lib/tools/cli/cli.ts";
import { CommandError } from "../lib/tools/text/errors.ts";

/** Links to k3s, which selects kubectl by the name of the link: that of the image, and those of a downloaded k3s. */
const PROGRAMS = ["/usr/libexec/k3os/kubectl", "/usr/local/bin/kubectl"];

/** `kubectl` of the node: becomes that of k3s, unless no cluster can be reached from here. */
export const kubectl = defineCommand({
  usage: "...",
  description: `
Runs the kubectl of k3s. On a node where it cannot work, such as an agent, it
prints the reason in one line.`,
  options: {},
  rawArguments: true,
  run: async (_args, host) => {
    const { findObstacle } = await import("../lib/kubectl/find-obstacle.ts");
    const { execve } = await import("../lib/tools/host/native.ts");
    const words = process.argv.slice(2);
    const argv = basename(process.argv0) === "kubectl" ? words : words.slice(1);
    const program = PROGRAMS.find((path) => existsSync(path));
    if (program === undefined) {
      throw new CommandError("k3s is not installed, which contains kubectl", { hint: "see k3os doctor" });
    }
    const obstacle = await findObstacle(argv, host);
    if (obstacle !== undefined) throw new CommandError(obstacle);
    return execve(program, ["kubectl", ...argv], process.env);
  },
});
