import {
  type Choices,
  type Command,
  type CommandTable,
  type Options,
  optionsOf,
  PROGRAM_OPTIONS,
} from "../cli.ts";
import { loadCommands } from "../command-tree.ts";

/** What a value or an argument can be: files and the like of the machine, or words. */
export type Completion =
  | { readonly kind: "file" | "directory" | "device" }
  | { readonly kind: "words"; readonly words: readonly string[] }
  | { readonly kind: "unknown" };

/** An option as a shell completes it. */
export interface CompletedOption {
  /** `--help`, `-h`. */
  readonly names: readonly string[];
  readonly help: string;
  readonly multiple: boolean;
  /** Undefined: it takes none. */
  readonly value: Completion | undefined;
}

/** A command as a shell completes it. */
export interface CompletedCommand {
  /** What leads to it after the program's name; none is the program itself. */
  readonly words: readonly string[];
  /** The first is its usual name. */
  readonly subcommands: readonly { readonly names: readonly string[]; readonly summary: string }[];
  readonly options: readonly CompletedOption[];
  /** What each positional argument can be; with `repeats`, the last counts for all that follow. */
  readonly arguments: readonly Completion[];
  readonly repeats: boolean;
  /** Names in PATH that mean it. */
  readonly links: readonly string[];
}

/** Everything that can be completed of a table's commands, the program itself first; hidden ones are left out. */
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

/** By what stands for a value in the help; of alternatives (`FILE|URL`) the first counts. */
const KINDS: Readonly<Record<string, "file" | "directory" | "device">> = {
  FILE: "file",
  KEY: "file", // a minisign key, by file or as text
  TARBALL: "file",
  ISO_URL: "file", // a path will do
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
