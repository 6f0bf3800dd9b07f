import { EXIT } from "../text/errors.ts";
import { foldLine } from "../text/fold.ts";
import {
  COMMAND_GROUPS,
  type Command,
  type CommandGroup,
  type CommandTable,
  type Option,
  optionsOf,
  PROGRAM_OPTIONS,
} from "./cli.ts";

const WIDTH = 80;

/** The help of the program `name`: its commands in groups. */
export function tableHelp(name: string, table: CommandTable): string {
  const visible = Object.entries(table).filter(([, row]) => !row.hidden);
  const width = leftWidth(visible.map(([command]) => command));
  const groups = COMMAND_GROUPS.flatMap((group) => {
    const rows = visible.filter(([, row]) => row.group === group);
    const cells = rows.map(([command, row]): [string, string] => [command, row.summary]);
    return cells.length === 0 ? [] : [`${heading(group)}:`, columns(cells, width), ""];
  });
  return [
    `Usage: ${name} COMMAND [OPTION...]\n`,
    ...groups,
    "Options:",
    columns(optionRows(PROGRAM_OPTIONS)),
    "",
    `Run "${name} COMMAND --help" for the options of a command.\n`,
  ].join("\n");
}

/** What follows the error of a wrong command line. */
export function usageHint(name: string): string {
  return `Run "${name} --help" for details.\n`;
}

function usageLine(name: string, { usage }: Command): string {
  return `Usage: ${name} [OPTION...]${usage === undefined ? "" : ` ${usage}`}`;
}

/** The help of one command. */
export function commandHelp(name: string, summary: string, command: Command): string {
  const parts = [`${usageLine(name, command)}\n`];
  parts.push(`${summary}.\n`);
  if (command.description !== undefined) parts.push(`${command.description.trim()}\n`);
  if (command.subcommands !== undefined) {
    const rows = Object.entries(command.subcommands).map(([sub, row]): [string, string] => [
      sub,
      row.summary,
    ]);
    parts.push("Subcommands:", columns(rows), "");
  }
  parts.push("Options:", columns(optionRows(optionsOf(command))), "");
  if (command.exits !== undefined) {
    const { done, failed, refused, other } = command.exits;
    const rows = Object.entries({
      [EXIT.done]: done,
      [EXIT.failed]: failed,
      [EXIT.refused]: refused,
      other,
    }).flatMap(([status, meaning]): [string, string][] => (meaning === undefined ? [] : [[status, meaning]]));
    parts.push("Exit status:", columns(rows), "");
  }
  return parts.join("\n");
}

function heading(group: CommandGroup): string {
  return `${group.charAt(0).toUpperCase()}${group.slice(1)}`;
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

function leftWidth(names: readonly string[]): number {
  return Math.min(28, Math.max(...names.map((name) => name.length)));
}

/** Two columns: the first is `left` wide, the second is wrapped at {@link WIDTH}. */
function columns(rows: readonly [string, string][], left = leftWidth(rows.map(([name]) => name))): string {
  return rows
    .map(([name, text]) => {
      const lines = foldLine(text, WIDTH - left - 4);
      const first = name.length > left ? `  ${name}\n${" ".repeat(left + 4)}` : `  ${name.padEnd(left)}  `;
      return first + lines.join(`\n${" ".repeat(left + 4)}`);
    })
    .join("\n");
}
