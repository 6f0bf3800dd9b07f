import { beforeAll, describe, expect, test } from "bun:test";
import { COMMANDS } from "../../../../../bin/commands.ts";
import { completionScript } from "../../../../../lib/tools/cli/completion/shells.ts";
import { runProgram } from "../../../../../lib/tools/host/host.ts";

/** Completes the last word as readline would have it done. */
const COMPLETE = `
COMP_WORDS=("$@")
COMP_CWORD=$(($# - 1))
_k3os
printf '%s\\n' "\${COMPREPLY[@]}"
`;

let script: string;

beforeAll(async () => {
  script = await completionScript("bash", COMMANDS);
});

async function complete(...words: readonly string[]): Promise<string[]> {
  const argv = ["bash", "-c", `${script}${COMPLETE}`, "bash", ...words];
  const { stdout, stderr } = await runProgram(argv, { env: { BASH_ENV: "" } });
  expect(stderr).toBe("");
  return stdout.trim().split("\n");
}

describe("the completion for bash", () => {
  test.each([
    ["commands", ["k3os", "upg"], ["upgrade-rootfs", "upgrade-kernel", "upgrade"]],
    ["commands after --debug", ["k3os", "--debug", "rele"], ["release"]],
    ["subcommands", ["k3os", "release", ""], ["sign", "verify"]],
    ["what follows an alias", ["k3os", "cfg", "s"], ["schema"]],
    ["options of a command", ["k3os", "rollback", "--k"], ["--keep-data"]],
    [
      "options behind a value that looks like a command",
      ["k3os", "install", "--tty", "x", "--dr"],
      ["--dry-run"],
    ],
    ["options of a subcommand only", ["k3os", "config", "validate", "--d"], ["--debug"]],
    ["values", ["k3os", "release", "verify", "--arch", "arm"], ["arm64", "arm"]],
    ["values behind =", ["k3os", "release", "verify", "--arch", "=", "am"], ["amd64"]],
    ["values right after =", ["k3os", "release", "verify", "--arch", "="], ["amd64", "arm64", "arm"]],
    ["each of several arguments", ["k3os", "metadata", "aws", "h"], ["hetzner"]],
    ["files", ["k3os", "config", "validate", "/etc/os-rel"], ["/etc/os-release"]],
    ["directories", ["k3os", "upgrade", "--source", "/et"], ["/etc"]],
    ["a link to the executable", ["k3os-upgrade-kernel", "--allow-d"], ["--allow-downgrade"]],
    ["a link to the executable, by its path", ["/usr/sbin/metadata", "di"], ["digitalocean"]],
    ["nothing where there is nothing to know", ["k3os", "install", "--tty", ""], [""]],
    ["nothing past the last argument", ["k3os", "completion", "bash", ""], [""]],
    ["no word that is not a command", ["k3os", "nonsense", "--"], ["--debug", "--help", "--version"]],
  ] as const)("knows %s", async (_, words, wanted) => {
    expect(await complete(...words)).toEqual([...wanted]);
  });
});
