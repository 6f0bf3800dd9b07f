import {
  type Choices,
  type Command,
  type CommandTable,
  type Options,
  optionsOf,
  PROGRAM_OPTIONS,
} from "../cli.ts";
import { loadCommands } from "../command-tree.ts";

/** The possible values of an option or argument: paths of this machine, or words. */
export type Completion =
  | { readonly kind: "file" | "directory" | "device" }
  | { readonly kind: "words"; readonly words: readonly string[] }
  | { readonly kind: "unknown" };

/** An option, described for shell completion. */
export interface CompletedOption {
  /** `--help`, `-h`. */
  readonly names: readonly string[];
  readonly help: string;
  readonly multiple: boolean;
  /** Undefined: the option takes no value. */
  readonly value: Completion | undefined;
}

/** A command, described for shell completion. */
export interface CompletedCommand {
  /** The words after the program's name that select the command; empty for the program itself. */
  readonly words: readonly string[];
  /** The first name is the usual one. */
  readonly subcommands: readonly { readonly names: readonly string[]; readonly summary: string }[];
  readonly options: readonly CompletedOption[];
  /** The values of each positional argument; with `repeats`, the last one applies to all further arguments. */
  readonly arguments: readonly Completion[];
  readonly repeats: boolean;
  /** Names in PATH that run the command. */
  readonly links: readonly string[];
}

/** Describes the completion of all commands of a table, the program itself first. Hidden commands are omitted. */
export async function describeCommands(table: CommandTable): Promise<readonly CompletedCommand[]> {
  const program: Command = { options: PROGRAM_OPTIONS, subcommands: table, run: async () => 0 };
  const commands = (await loadCommands(table)).filter(({ row }) => !row.hidden);
  return [
    { ...(await describe([], program)), links: ["k3os"] },
    ...(await Promise.all(
      commands.map(async ({ words, row, command }) => {
        return { ...(await describe(words, command)), links: row.links ?? [] };
      }),
    )),
  ];
}

async function describe(
  words: readonly string[],
  command: Command,
): Promise<Omit<CompletedCommand, "links">> {
  const { usage = "", subcommands = {}, maxPositionals = 0 } = command;
  const places = usage.split(/[\s[\]]|\.\.\./).filter((name) => name !== "" && maxPositionals > 0);
  return {
    words,
    subcommands: Object.entries(subcommands).flatMap(([name, { aliases = [], summary, hidden }]) =>
      hidden ? [] : [{ names: [name, ...aliases], summary }],
    ),
    options: await describeOptions(optionsOf(command)),
    arguments: await Promise.all(places.map((place) => completionOf(place, command.choices))),
    repeats: maxPositionals === Number.POSITIVE_INFINITY,
  };
}

function describeOptions(options: Options): Promise<readonly CompletedOption[]> {
  const shown = Object.entries(options).filter(([, { hidden }]) => !hidden);
  return Promise.all(
    shown.map(async ([name, { type, short, multiple = false, value, choices, help }]) => ({
      names: [`--${name}`, ...(short === undefined ? [] : [`-${short}`])],
      help,
      multiple,
      value: type === "boolean" ? undefined : await completionOf(value ?? "", choices),
    })),
  );
}

/** Kinds by the placeholder in the help; of alternatives (`FILE|URL`) the first one decides. */
const KINDS: Readonly<Record<string, "file" | "directory" | "device">> = {
  FILE: "file",
  KEY: "file", // a minisign key: a file, or its text
  TARBALL: "file",
  ISO_URL: "file", // a path is valid
  "IN.iso": "file",
  "OUT.iso": "file",
  DIR: "directory",
  DIRECTORY: "directory",
  DEVICE: "device",
};

async function completionOf(placeholder: string, choices: Choices | undefined): Promise<Completion> {
  if (choices !== undefined) {
    return { kind: "words", words: typeof choices === "function" ? await choices() : choices };
  }
  const [first = ""] = placeholder.split("|");
  return { kind: KINDS[first] ?? "unknown" };
}
