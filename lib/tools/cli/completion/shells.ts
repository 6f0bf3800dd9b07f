import { UsageError } from "../../text/errors.ts";
import type { CommandTable } from "../cli.ts";
import { bashCompletion } from "./bash.ts";
import { type CompletedCommand, describeCommands } from "./describe-commands.ts";
import { fishCompletion } from "./fish.ts";
import { zshCompletion } from "./zsh.ts";

const SHELLS: Readonly<Record<string, (commands: readonly CompletedCommand[]) => string>> = {
  bash: bashCompletion,
  zsh: zshCompletion,
  fish: fishCompletion,
};

/** The completion script of a shell for the commands of a table. Throws UsageError for an unknown shell. */
export async function completionScript(shell: string, table: CommandTable): Promise<string> {
  const write = SHELLS[shell];
  if (write !== undefined) return write(await describeCommands(table));
  throw new UsageError(`Found "${shell}", expected one of ${Object.keys(SHELLS).join(", ")}`);
}
