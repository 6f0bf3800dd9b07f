import { expect, test } from "bun:test";
import { join } from "node:path";
import { COMMANDS } from "../../bin/commands.ts";
import { loadCommands } from "../../lib/tools/cli/command-tree.ts";
import { runProgram } from "../../lib/tools/host/host.ts";
import { hostTarget } from "../../lib/tools/host/targets.ts";
import { ARTIFACTS } from "../support/image.ts";

const NOBODY = 65534;
const EXECUTABLE = join(ARTIFACTS, `k3os-${hostTarget().arch}`);

/** Arguments with which a call is complete. */
const ARGUMENTS: Readonly<Record<string, readonly string[]>> = {
  health: ["--judge"],
  "overlay apply": ["/nowhere/k3os-rootfs-amd64.tar.gz"],
  takeover: ["--undo"],
  upgrade: ["--source", "/nowhere", "--destination", "/k3os/system", "--kernel"],
};

const ROOT_ONLY = [
  ...["install", "takeover", "upgrade", "rollback", "reset", "health", "config", "upgrade-rootfs"],
  ...["upgrade-kernel", "update-issue", "ssh-keys apply", "metadata", "overlay apply", "overlay remove"],
  ...["toolbox create", "toolbox enter", "toolbox rm"],
];

const commands = (await loadCommands(COMMANDS)).map(({ words }) => words.join(" "));

test("the commands for root are among the program's", () => {
  expect(ROOT_ONLY.filter((name) => !commands.includes(name))).toEqual([]);
});

test.each(ROOT_ONLY)("k3os %s tells an ordinary user first of all that it needs root", async (name) => {
  const ids = [`--reuid=${NOBODY}`, `--regid=${NOBODY}`, "--clear-groups"];
  const argv = [EXECUTABLE, ...name.split(" "), ...(ARGUMENTS[name] ?? [])];
  const { code, stderr } = await runProgram(["setpriv", ...ids, ...argv], { check: false });
  expect([code, stderr]).toEqual([1, "Error: Must be run as root\n"]);
});
