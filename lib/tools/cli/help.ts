import { EXIT } from "../text/errors.ts";
import { foldLine } from "../text/fold.ts";
import { type Command, type CommandTable, GLOBAL_OPTIONS, type Option, PROGRAM_OPTIONS } from "./cli.ts";

const WIDTH = 80;

/** The help of a whole table: `name` is what the user typed so far. */
export function tableHelp(name: string, table: CommandTable): string {
  const rows = Object.entries(table)
    .filter(([, row]) => !row.hidden)
    .map(([command, row]): [string, string] => [command, row.summary]);
  return [
    `Usage: ${name} COMMAND [OPTION...]\n`,
    "Commands:",
    columns(rows),
    "",
    "Options:",
    columns(optionRows(PROGRAM_OPTIONS)),
    "",
    `Run "${name} COMMAND --help" for a command's own options.\n`,
  ].join("\n");
}

/** The help of one command. */
export function commandHelp(name: string, summary: string, command: Command): string {
  const parts = [`Usage: ${name} [OPTION...]${command.usage === undefined ? "" : ` ${command.usage}`}\n`];
  parts.push(`${summary}.\n`);
  if (command.description !== undefined) parts.push(`${command.description.trim()}\n`);
  if (command.subcommands !== undefined) {
    const rows = Object.entries(command.subcommands).map(([sub, row]): [string, string] => [
      sub,
      row.summary,
    ]);
    parts.push("Subcommands:", columns(rows), "");
  }
  parts.push("Options:", columns(optionRows({ ...command.options, ...GLOBAL_OPTIONS })), "");
  if (command.exits !== undefined) {
    const { done, failed, other } = command.exits;
    const rows = Object.entries({ [EXIT.done]: done, [EXIT.failed]: failed, other }).flatMap(
      ([status, meaning]): [string, string][] => (meaning === undefined ? [] : [[status, meaning]]),
    );
    parts.push("Exit status:", columns(rows), "");
  }
  return parts.join("\n");
}

function optionRows(options: Readonly<Record<string, Option>>): [string, string][] {
  return Object.entries(options)
    .filter(([, option]) => !option.hidden)
    .map(([name, option]) => {
      const short = option.short === undefined ? "" : `-${option.short}, `;
      const value = option.type === "string" ? ` ${option.value ?? "VALUE"}` : "";
      const env = option.env === undefined ? "" : ` [${option.env}]`;
      return [`${short}--${name}${value}`, `${option.help}${env}`];
    });
}

/** Two columns, the second wrapped so that no line passes {@link WIDTH}. */
function columns(rows: readonly [string, string][]): string {
  const left = Math.min(28, Math.max(...rows.map(([name]) => name.length)));
  return rows
    .map(([name, text]) => {
      const lines = foldLine(text, WIDTH - left - 4);
      const first = name.length > left ? `  ${name}\n${" ".repeat(left + 4)}` : `  ${name.padEnd(left)}  `;
      return first + lines.join(`\n${" ".repeat(left + 4)}`);
    })
    .join("\n");
}
