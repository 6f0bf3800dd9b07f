import { describe, expect, test } from "bun:test";
import { COMMANDS } from "../../../bin/commands.ts";
import { loadCommands } from "../../../lib/tools/cli/command-tree.ts";
import { commandHelp, tableHelp } from "../../../lib/tools/cli/help.ts";

const WIDTH = 80;

const commands = (await loadCommands(COMMANDS)).map((found) => {
  return { ...found, name: `k3os ${found.words.join(" ")}` };
});

describe("help", () => {
  test("of the program has no line past 80 columns", () => {
    expect(longLines(tableHelp("k3os", COMMANDS))).toEqual([]);
  });

  test.each(commands)("of $name has no line past 80 columns", ({ name, row, command }) => {
    expect(longLines(commandHelp(name, row.summary, command))).toEqual([]);
  });

  test.each(commands)("of $name has a summary like the others'", ({ row }) => {
    expect(row.summary).toMatch(/^[A-Z].*[^.]$/);
  });

  test.each(commands)("of $name says something about each option", ({ command }) => {
    const mute = Object.entries(command.options).filter(([, option]) => option.help.trim() === "");
    expect(mute.map(([name]) => name)).toEqual([]);
  });

  test.each(commands)("of $name leaves to the dispatcher what every command has", ({ command }) => {
    const names = Object.keys(command.options);
    expect(names.filter((name) => ["json", "debug", "help"].includes(name))).toEqual([]);
  });

  test.each(commands)("of $name declares no option as the negation of another", ({ command }) => {
    const names = Object.keys(command.options);
    expect(names.filter((name) => names.includes(`no-${name}`))).toEqual([]);
  });
});

test("COMMANDS are all in a group of the help, except the hidden ones", () => {
  const help = tableHelp("k3os", COMMANDS);
  for (const group of ["Node", "Configuration", "Install", "Upgrade", "Tools"])
    expect(help).toContain(`\n${group}:\n`);
  const lines = help.split("\n");
  for (const [name, row] of Object.entries(COMMANDS)) {
    const listed = lines.filter((line) => line.startsWith(`  ${name} `)).length;
    expect([name, listed]).toEqual([name, row.hidden ? 0 : 1]);
  }
});

test("COMMANDS have names and aliases that do not clash", () => {
  const words = Object.entries(COMMANDS).flatMap(([name, row]) => [name, ...(row.aliases ?? [])]);
  expect(new Set(words).size).toBe(words.length);
});

function longLines(text: string): string[] {
  return text.split("\n").filter((line) => line.length > WIDTH);
}
