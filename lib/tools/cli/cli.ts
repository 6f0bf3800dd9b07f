import { parseArgs } from "node:util";
import type { Host } from "../host/host.ts";
import { UsageError } from "../text/errors.ts";
import { nearest } from "../text/nearest.ts";

/** One command-line option: declared once, and everything about it (parsing, help, environment) derived. */
export interface Option {
  readonly type: "boolean" | "string";
  readonly short?: string;
  /** The option may be repeated; its value is a list. */
  readonly multiple?: boolean;
  /** What stands for the value in the help: `URL`, `FILE`; shells complete it by that (lib/tools/cli/completion). */
  readonly value?: string;
  /** The values that there are, for shells to complete. */
  readonly choices?: Choices;
  readonly help: string;
  /** Environment variable that gives the value when the option is absent. */
  readonly env?: string;
  /** Not shown in the help. */
  readonly hidden?: boolean;
  /** With it, what the command tells becomes events for programs (lib/tools/cli/events.ts). */
  readonly events?: true;
}

/** Words to choose from; a function where finding them takes a module that the command itself need not load. */
export type Choices = readonly string[] | (() => Promise<readonly string[]>);

export type Options = Readonly<Record<string, Option>>;

type ValueOf<O extends Option> = O["type"] extends "boolean"
  ? boolean
  : O["multiple"] extends true
    ? readonly string[]
    : string | undefined;

/** The parsed values of a set of options: false, undefined or [] where an option was not given. */
export type Values<O extends Options> = { readonly [K in keyof O]: ValueOf<O[K]> };

export interface Arguments<O extends Options = Options> {
  readonly values: Values<O>;
  readonly positionals: readonly string[];
}

/** A command is a value: what it is called with, and the function that does it. */
export interface Command<O extends Options = Options> {
  /** How positional arguments are written in the usage line, e.g. `[DEVICE [ISO_URL]]`. */
  readonly usage?: string;
  /** Paragraphs for `--help`, wrapped by hand at 78 columns. */
  readonly description?: string;
  readonly options: O;
  /** How many positional arguments are allowed; default 0. */
  readonly maxPositionals?: number;
  /** What positional arguments can be, for shells to complete. */
  readonly choices?: Choices;
  /** The arguments are not ours to understand (the kernel passes its own to process 1): nothing is parsed or refused. */
  readonly rawArguments?: boolean;
  readonly subcommands?: CommandTable;
  /** What exit statuses mean, where that is more than "done" and "failed"; lib/tools/cli/exit-codes.ts has all of them. */
  readonly exits?: { readonly done?: string; readonly failed?: string; readonly other?: string };
  /** Whether a call can only be run by root; without it, none has to be. */
  needsRoot?(args: Arguments<O>): boolean;
  /** Returns the exit status. */
  run(args: Arguments<O>, host: Host): Promise<number>;
}

/** A row of the table of commands. The module is imported only when the command is called. */
export interface CommandRow {
  readonly summary: string;
  /** Other words for it. */
  readonly aliases?: readonly string[];
  /** Names in PATH that are links to the executable, and mean this command. */
  readonly links?: readonly string[];
  /** Every link to the executable in this directory means this command, with the link's name as the first argument. */
  readonly directory?: string;
  readonly hidden?: boolean;
  readonly load: () => Promise<Command>;
}

export type CommandTable = Readonly<Record<string, CommandRow>>;

/** Gives a command its precise option types, and returns it as a value of the table. */
export function defineCommand<const O extends Options>(command: Command<O>): Command {
  return command as unknown as Command;
}

/** Options that every command has. */
export const GLOBAL_OPTIONS = {
  debug: { type: "boolean", help: "say more on standard error", env: "K3OS_DEBUG" },
  help: { type: "boolean", short: "h", help: "show this help" },
} as const satisfies Options;

/** Options of the program itself, without a command. */
export const PROGRAM_OPTIONS = {
  ...GLOBAL_OPTIONS,
  version: { type: "boolean", short: "v", help: "print the version" },
} as const satisfies Options;

/**
 * Parses what follows a command's name. Boolean options never take a `no-` prefix, so that an option such as
 * `--no-format` is only ever itself. Throws UsageError for an unknown option, a missing value or too many arguments.
 */
export function parseCommandLine<O extends Options>(
  command: Command<O>,
  argv: readonly string[],
  env: Host["env"],
): Arguments<O & typeof GLOBAL_OPTIONS> {
  const options: Options = { ...command.options, ...GLOBAL_OPTIONS };
  const { values, positionals } = parseStrictly(options, command.rawArguments ? [] : argv);
  const limit = command.maxPositionals ?? 0;
  if (positionals.length > limit) throw new UsageError(`Unexpected argument "${positionals[limit]}"`);
  const complete = Object.entries(options).map(([name, option]) => [
    name,
    values[name] ?? fromEnv(option, env),
  ]);
  return { values: Object.fromEntries(complete) as Values<O & typeof GLOBAL_OPTIONS>, positionals };
}

interface Parsed {
  readonly values: Readonly<Record<string, unknown>>;
  readonly positionals: readonly string[];
}

function parseStrictly(options: Options, argv: readonly string[]): Parsed {
  const config = Object.entries(options).map(([name, { type, short, multiple = false }]) => {
    return [name, { type, multiple, ...(short === undefined ? {} : { short }) }];
  });
  try {
    return parseArgs({ args: [...argv], options: Object.fromEntries(config), allowPositionals: true });
  } catch (error) {
    throw optionError(error as NodeJS.ErrnoException, options);
  }
}

function optionError(error: NodeJS.ErrnoException, options: Options): UsageError {
  const quoted = /'(-[^' ]*)/.exec(error.message)?.[1];
  if (error.code !== "ERR_PARSE_ARGS_UNKNOWN_OPTION" || quoted === undefined) {
    return new UsageError(error.message.split(". ")[0] ?? error.message);
  }
  const names = Object.entries(options).flatMap(([name, option]) => (option.hidden ? [] : [`--${name}`]));
  const near = quoted.startsWith("--") ? nearest(quoted, names) : undefined;
  return new UsageError(`Unknown option "${quoted}"${near === undefined ? "" : `: did you mean "${near}"?`}`);
}

function fromEnv(option: Option, env: Host["env"]): boolean | string | readonly string[] | undefined {
  const text = option.env === undefined ? undefined : env[option.env];
  if (option.type === "boolean") return text !== undefined && /^(1|true|yes|on)$/i.test(text);
  const value = text === "" ? undefined : text;
  if (option.multiple) return value === undefined ? [] : [value];
  return value;
}
