import { PROJECT_URL } from "../host/project.ts";
import { type Command, type CommandTable, type Options, optionsOf, PROGRAM_OPTIONS } from "./cli.ts";
import { loadCommands, type NamedCommand } from "./command-tree.ts";
import { exitCodes } from "./exit-codes.ts";

/** A piece of a manual page. */
export type Block =
  | { readonly kind: "text"; readonly text: string }
  /** Lines that are printed unchanged. */
  | { readonly kind: "literal"; readonly text: string }
  /** A synopsis: `name` is typed literally, `rest` shows the arguments. */
  | { readonly kind: "usage"; readonly name: string; readonly rest: string }
  /** A term, its optional value, and the description. */
  | { readonly kind: "item"; readonly term: string; readonly value?: string; readonly text: string };

export interface ManPage {
  /** `k3os`, `k3os-config-validate`; the page is in section 1. */
  readonly name: string;
  readonly sections: readonly { readonly title: string; readonly blocks: readonly Block[] }[];
}

/** The manual: a page for the program and for each command in its help. */
export async function manPages(table: CommandTable): Promise<readonly ManPage[]> {
  const commands = (await loadCommands(table)).filter(({ row }) => !row.hidden);
  return [programPage(table, commands), ...commands.map((command) => commandPage(command, commands))];
}

function pageName(words: readonly string[]): string {
  return ["k3os", ...words].join("-");
}

function programPage(table: CommandTable, commands: readonly NamedCommand[]): ManPage {
  const links = commands.flatMap(({ words, row }) => (row.links ?? []).map((link) => ({ link, words })));
  return page("k3os", "install, boot, configure and upgrade a node of a Kubernetes cluster", {
    SYNOPSIS: [
      { kind: "usage", name: "k3os", rest: "COMMAND [OPTION...] [ARGUMENT...]" },
      ...links.map(({ link }): Block => ({ kind: "usage", name: link, rest: "[OPTION...] [ARGUMENT...]" })),
    ],
    DESCRIPTION: [
      { kind: "text", text: "k3OS makes a machine a node of a Kubernetes (k3s) cluster." },
      ...links.map(({ link, words }): Block => {
        return { kind: "item", term: link, text: `Called by this name, it is "k3os ${words.join(" ")}".` };
      }),
    ],
    COMMANDS: commandItems(table),
    OPTIONS: optionItems(PROGRAM_OPTIONS),
    ENVIRONMENT: environmentItems(PROGRAM_OPTIONS),
    "EXIT STATUS": exitItems({}),
    "SEE ALSO": [
      see(commands.filter(({ words }) => words.length === 1)),
      { kind: "text", text: PROJECT_URL },
    ],
  });
}

function commandPage({ words, row, command }: NamedCommand, all: readonly NamedCommand[]): ManPage {
  const { usage, description = "", subcommands = {} } = command;
  const options = optionsOf(command);
  const rest = ["[OPTION...]", ...(usage === undefined ? [] : [usage])].join(" ");
  const parent = (child: readonly string[]) => child.slice(0, -1).join(" ");
  const above = all.filter((other) => other.words.join(" ") === parent(words));
  const below = all.filter((other) => parent(other.words) === words.join(" "));
  return page(pageName(words), row.summary, {
    SYNOPSIS: [`k3os ${words.join(" ")}`, ...(row.links ?? [])].map((name) => ({
      kind: "usage",
      name,
      rest,
    })),
    DESCRIPTION:
      description.trim() === "" ? [{ kind: "text", text: `${row.summary}.` }] : paragraphs(description),
    SUBCOMMANDS: commandItems(subcommands),
    OPTIONS: optionItems(options),
    ENVIRONMENT: environmentItems(options),
    "EXIT STATUS": exitItems(command),
    "SEE ALSO": [see([{ words: [] }, ...above, ...below])],
  });
}

function page(name: string, summary: string, sections: Readonly<Record<string, readonly Block[]>>): ManPage {
  const all = Object.entries({
    NAME: [{ kind: "text", text: `${name} - ${summary}` }] as const,
    ...sections,
  });
  const filled = all.filter(([, blocks]) => blocks.length > 0);
  return { name, sections: filled.map(([title, blocks]) => ({ title, blocks })) };
}

/** The paragraphs of a description; indented ones keep their lines. */
function paragraphs(description: string): Block[] {
  return description
    .trim()
    .split(/\n\n+/)
    .map((text) => {
      return text.startsWith("  ")
        ? { kind: "literal", text: text.replace(/^ {2}/gm, "") }
        : { kind: "text", text: text.replaceAll("\n", " ") };
    });
}

function commandItems(table: CommandTable): Block[] {
  return Object.entries(table).flatMap(([name, { summary, aliases = [], hidden }]): Block[] => {
    return hidden ? [] : [{ kind: "item", term: [name, ...aliases].join(", "), text: `${summary}.` }];
  });
}

function optionItems(options: Options): Block[] {
  return Object.entries(options).flatMap(
    ([name, { type, short, value = "VALUE", help, hidden }]): Block[] => {
      if (hidden) return [];
      const term = `${short === undefined ? "" : `-${short}, `}--${name}`;
      return [{ kind: "item", term, ...(type === "boolean" ? {} : { value }), text: help }];
    },
  );
}

function environmentItems(options: Options): Block[] {
  return Object.entries(options).flatMap(([name, { env, hidden }]): Block[] => {
    if (env === undefined || hidden) return [];
    return [{ kind: "item", term: env, text: `The same as --${name}, where that is not given.` }];
  });
}

function exitItems(command: Pick<Command, "exits">): Block[] {
  return exitCodes(command).map(([term, text]) => ({ kind: "item", term, text }));
}

function see(commands: readonly Pick<NamedCommand, "words">[]): Block {
  return { kind: "text", text: commands.map(({ words }) => `${pageName(words)}(1)`).join(", ") };
}
