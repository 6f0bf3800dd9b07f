import { parseArgs } from "node:util";
import type { Host } from "../host/host.ts";
import { booleanOf, noBoolean } from "../text/boolean-word.ts";
import { UsageError } from "../text/errors.ts";
import { nearest } from "../text/nearest.ts";

/** One command-line option. It is declared once; parsing, help and environment variables are derived from it. */
export interface Option {
  readonly type: "boolean" | "string";
  readonly short?: string;
  /** The option may be repeated; its value is a list. */
  readonly multiple?: boolean;
  /** Placeholder in the help, such as `URL` or `FILE`. Shell completion derives from it (lib/tools/cli/completion). */
  readonly value?: string;
  /** All valid values, for shell completion. */
  readonly choices?: Choices;
  readonly help: string;
  /** Environment variable that gives the value when the option is absent. */
  readonly env?: string;
  /** Not shown in the help. */
  readonly hidden?: boolean;
  /** Names of options that cannot be combined with this one. */
  readonly excludes?: readonly string[];
}

/** The valid words. A function loads a module that the command itself does not need. */
export type Choices = readonly string[] | (() => Promise<readonly string[]>);

export type Options = Readonly<Record<string, Option>>;

type ValueOf<O extends Option> = O["type"] extends "boolean"
  ? boolean
  : O["multiple"] extends true
    ? readonly string[]
    : string | undefined;

/** The parsed values of a set of options: false, undefined or [] for an absent option. */
export type Values<O extends Options> = { readonly [K in keyof O]: ValueOf<O[K]> };

export interface Arguments<O extends Options = Options> {
  readonly values: Values<O>;
  readonly positionals: readonly string[];
  /** The options that are on the command line. */
  readonly given: readonly string[];
}

/** A command is a value: its arguments, and the function that runs it. */
export interface Command<O extends Options = Options> {
  /** The positional arguments in the usage line, e.g. `[DEVICE [ISO_URL]]`. */
  readonly usage?: string;
  /** Paragraphs for `--help`, wrapped by hand at 78 columns. */
  readonly description?: string;
  readonly options: O;
  /** Maximum number of positional arguments; default 0. */
  readonly maxPositionals?: number;
  /** Valid positional arguments, for shell completion. */
  readonly choices?: Choices;
  /** Do not parse the arguments: the kernel passes its own to process 1. */
  readonly rawArguments?: boolean;
  readonly subcommands?: CommandTable;
  /** Exit statuses whose meaning is more specific than "done" and "failed" (lib/tools/cli/exit-codes.ts). */
  readonly exits?: {
    readonly done?: string;
    readonly failed?: string;
    readonly refused?: string;
    readonly other?: string;
  };
  /** Whether this call needs root. Without this function, no call does. */
  needsRoot?(args: Arguments<O>): boolean;
  /**
   * The command has the option --json, which prints output for programs: all reports as `events`, or only the reported
   * `result` (lib/tools/cli/events.ts). The reports and the output of the command are the same with and without it.
   */
  readonly json?: keyof typeof JSON_OPTIONS;
  /** Returns the exit status. */
  run(args: Arguments<O & typeof GLOBAL_OPTIONS>, host: Host): Promise<number>;
}

/** A row of the table of commands. The module is imported only when the command is called. */
export interface CommandRow {
  /** One line in the imperative, without a full stop. */
  readonly summary: string;
  /** The heading under which the program's help lists the command. */
  readonly group?: CommandGroup;
  /** Alternative names. */
  readonly aliases?: readonly string[];
  /** Links to the executable in PATH that run this command. */
  readonly links?: readonly string[];
  /**
   * Each link to the executable in this directory runs this command, with the name of the link as the first argument.
   */
  readonly directory?: string;
  readonly hidden?: boolean;
  readonly load: () => Promise<Command>;
}

/** The groups of commands, in the order of the program's help. */
export const COMMAND_GROUPS = ["node", "configuration", "install", "upgrade", "tools"] as const;

export type CommandGroup = (typeof COMMAND_GROUPS)[number];

export type CommandTable = Readonly<Record<string, CommandRow>>;

/** Infers the precise option types of a command, and returns it as a value of the table. */
export function defineCommand<const O extends Options>(command: Command<O>): Command {
  return command as unknown as Command;
}

/** Options that every command has. */
export const GLOBAL_OPTIONS = {
  debug: { type: "boolean", help: "print debug messages", env: "K3OS_DEBUG" },
  help: { type: "boolean", short: "h", help: "show this help" },
} as const satisfies Options;

/** Options of the program itself, without a command. */
export const PROGRAM_OPTIONS = {
  ...GLOBAL_OPTIONS,
  version: { type: "boolean", short: "v", help: "print the version" },
} as const satisfies Options;

const JSON_OPTIONS = {
  events: { json: { type: "boolean", help: "emit JSON Lines" } },
  result: { json: { type: "boolean", help: "emit JSON" } },
} as const satisfies Readonly<Record<string, Options>>;

/** All options of a command, in the order in which the help shows them. */
export function optionsOf({ options, json }: Pick<Command, "options" | "json">): Options {
  return { ...options, ...(json === undefined ? {} : JSON_OPTIONS[json]), ...GLOBAL_OPTIONS };
}

/**
 * Parses the arguments after the name of a command. Boolean options have no `no-` prefix, so `--no-format` always means
 * the option of that name; `--poweroff=no` accepts the same words as a variable or a file. Throws UsageError for an
 * unknown option, a missing value, an invalid boolean, options that exclude each other or too many arguments.
 */
export function parseCommandLine<O extends Options>(
  command: Command<O>,
  argv: readonly string[],
  env: Host["env"],
): Arguments<O & typeof GLOBAL_OPTIONS> {
  const options = optionsOf(command as unknown as Command);
  const [words, variables] = command.rawArguments ? [[], {}] : [argv, env];
  const { values, positionals } = parseStrictly(options, words);
  const limit = command.maxPositionals ?? 0;
  if (positionals.length > limit) throw new UsageError(`Unexpected argument "${positionals[limit]}"`);
  const given = Object.keys(values);
  refuseExcluded(given, options);
  const complete = Object.entries(options).map(([name, option]) => [
    name,
    values[name] ?? valueFromEnv(option, variables) ?? nothingOf(option),
  ]);
  return { values: Object.fromEntries(complete) as Values<O & typeof GLOBAL_OPTIONS>, positionals, given };
}

interface Parsed {
  readonly values: Readonly<Record<string, unknown>>;
  readonly positionals: readonly string[];
}

function parseStrictly(options: Options, argv: readonly string[]): Parsed {
  const config = Object.entries(options).map(([name, { type, short, multiple = false }]) => {
    return [name, { type, multiple, ...(short === undefined ? {} : { short }) }];
  });
  // not strict: the parser's own messages refer to its API
  const { values, positionals, tokens } = parseArgs({
    args: [...argv],
    options: Object.fromEntries(config),
    allowPositionals: true,
    strict: false,
    tokens: true,
  });
  for (const token of tokens) if (token.kind === "option") checkOption(token, options);
  const read = (name: string, value: unknown) => {
    return options[name]?.type === "boolean" && typeof value === "string" ? booleanOf(value) : value;
  };
  const all = Object.entries(values).map(([name, value]) => [name, read(name, value)]);
  return { values: Object.fromEntries(all), positionals };
}

interface OptionToken {
  readonly name: string;
  /** As typed: `-h`, `--help`. */
  readonly rawName: string;
  readonly value?: string | undefined;
  /** The value follows an equals sign. */
  readonly inlineValue?: boolean | undefined;
}

/** Throws UsageError for an unknown option, a missing value or an invalid boolean. */
function checkOption({ name, rawName, value, inlineValue }: OptionToken, options: Options): void {
  const option = Object.hasOwn(options, name) ? options[name] : undefined;
  if (option === undefined) throw unknownOption(rawName, options);
  if (option.type === "boolean") {
    if (value !== undefined) booleanFrom(value, rawName);
    return;
  }
  const wanted = option.value ?? "VALUE";
  if (value === undefined) throw new UsageError(`Missing value for ${rawName}: expected ${wanted}`);
  if (inlineValue !== true && /^-./.test(value)) {
    throw new UsageError(`Missing value for ${rawName}: expected ${wanted}, found option "${value}"`, {
      hint: `to pass a value that starts with "-", use --${name}=${value}`,
    });
  }
}

function unknownOption(rawName: string, options: Options): UsageError {
  const names = Object.entries(options).flatMap(([name, option]) => (option.hidden ? [] : [`--${name}`]));
  const near = rawName.startsWith("--") ? nearest(rawName, names) : undefined;
  return new UsageError(
    `Unknown option "${rawName}"${near === undefined ? "" : `: did you mean "${near}"?`}`,
  );
}

function refuseExcluded(given: readonly string[], options: Options): void {
  for (const name of given) {
    const other = options[name]?.excludes?.find((excluded) => given.includes(excluded));
    if (other !== undefined) throw new UsageError(`Cannot combine --${name} with --${other}`);
  }
}

type AnyValue = boolean | string | readonly string[];

/**
 * The value of an option's environment variable; undefined if it is unset or empty. Throws UsageError for an invalid
 * boolean.
 */
export function valueFromEnv(
  { type, env: name, multiple }: Pick<Option, "type" | "env" | "multiple">,
  env: Host["env"],
): AnyValue | undefined {
  const text = name === undefined ? undefined : env[name];
  if (name === undefined || text === undefined || text === "") return undefined;
  if (type === "boolean") return booleanFrom(text, name);
  return multiple ? [text] : text;
}

function booleanFrom(text: string, source: string): boolean {
  const value = booleanOf(text);
  if (value === undefined) throw new UsageError(`${source}: ${noBoolean(JSON.stringify(text))}`);
  return value;
}

/** The value of an absent option. */
export function nothingOf({ type, multiple }: Pick<Option, "type" | "multiple">): AnyValue | undefined {
  if (type === "boolean") return false;
  return multiple ? [] : undefined;
}
