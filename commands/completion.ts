import { type Command, type CommandTable, defineCommand } from "../lib/tools/cli/cli.ts";
import { EXIT, UsageError } from "../lib/tools/text/errors.ts";

/** `k3os completion SHELL`, for the commands of a table. */
export function completion(table: CommandTable): Command {
  return defineCommand({
    usage: "bash|zsh|fish",
    description: `
Prints a completion script for bash, zsh or fish. k3OS has it installed; on
other systems:

  k3os completion bash > /usr/share/bash-completion/completions/k3os
  k3os completion zsh > /usr/local/share/zsh/site-functions/_k3os
  k3os completion fish > ~/.config/fish/completions/k3os.fish`,
    options: {},
    maxPositionals: 1,
    choices: ["bash", "zsh", "fish"],
    run: async ({ positionals: [shell] }, host) => {
      if (shell === undefined) throw new UsageError("Missing argument: bash, zsh or fish");
      const { completionScript } = await import("../lib/tools/cli/completion/shells.ts");
      host.print(await completionScript(shell, table));
      return EXIT.done;
    },
  });
}
