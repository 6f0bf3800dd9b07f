import type { Command, CommandRow, CommandTable } from "./cli.ts";

/** A command of the table, loaded. */
export interface NamedCommand {
  /** What the user types after the program's name: `["config", "validate"]`. */
  readonly words: readonly string[];
  readonly row: CommandRow;
  readonly command: Command;
}

/** Loads every command of a table in order, each before its subcommands, for output that covers all commands. */
export async function loadCommands(
  table: CommandTable,
  above: readonly string[] = [],
): Promise<readonly NamedCommand[]> {
  const found = await Promise.all(
    Object.entries(table).map(async ([word, row]): Promise<readonly NamedCommand[]> => {
      const command = await row.load();
      const words = [...above, word];
      return [{ words, row, command }, ...(await loadCommands(command.subcommands ?? {}, words))];
    }),
  );
  return found.flat();
}
