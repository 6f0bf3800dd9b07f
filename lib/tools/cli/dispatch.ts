import type { Host } from "../host/host.ts";
import { VERSION } from "../host/version.ts";
import { CommandError, EXIT, exitStatus, formatError, UsageError } from "../text/errors.ts";
import { nearest } from "../text/nearest.ts";
import type { Command, CommandRow, CommandTable, parseCommandLine } from "./cli.ts";

export interface Call {
  /** The name the program was started under, e.g. `/sbin/init` or `k3os`. */
  readonly argv0: string;
  readonly argv: readonly string[];
  readonly env: Host["env"];
  /** The calling user: 0 is root. */
  readonly uid: number | undefined;
  readonly createHost: (options: { debug: boolean }) => Promise<Host>;
}

/** Finds and runs the called command, and prints its errors. Returns the exit status; never throws. */
export async function dispatch(table: CommandTable, call: Call): Promise<number> {
  const [name, row, rest] = findCommand(table, call);
  if (row === undefined) return topLevel(table, rest);
  return runCommand(`k3os ${name}`, row, rest, call);
}

/** The base name of the called link if it names a command, else the first word. */
function findCommand(
  table: CommandTable,
  { argv0, argv }: Call,
): [string, CommandRow | undefined, readonly string[]] {
  const end = argv0.lastIndexOf("/");
  const link = argv0.slice(end + 1);
  const owner = Object.entries(table).find(
    ([, { directory }]) => directory === argv0.slice(0, Math.max(end, 0)),
  );
  if (owner !== undefined) return [owner[0], owner[1], [link, ...argv]];
  if (link !== "k3os") {
    const found = lookUp(table, link);
    if (found !== undefined) return [found[0], found[1], argv];
  }
  const first = firstWord(argv);
  const word = argv[first];
  const found = word === undefined ? undefined : lookUp(table, word);
  if (found === undefined || word === undefined) return ["", undefined, argv];
  return [found[0], found[1], [...argv.slice(0, first), ...argv.slice(first + 1)]];
}

function lookUp(table: CommandTable, name: string): [string, CommandRow] | undefined {
  for (const [key, row] of Object.entries(table)) {
    if (key === name || row.aliases?.includes(name) || row.links?.includes(name)) return [key, row];
  }
  return undefined;
}

/** The position of the command's name: the upgrade Plan of the original calls `k3os --debug COMMAND`. */
function firstWord(argv: readonly string[]): number {
  let at = 0;
  while (argv[at] === "--debug") at++;
  return at;
}

async function topLevel(table: CommandTable, argv: readonly string[]): Promise<number> {
  const word = argv[firstWord(argv)];
  if (word === "--version" || word === "-v") {
    console.log(`k3os version ${VERSION}`); // the only writer without an import: scripts call this
    return EXIT.done;
  }
  const { tableHelp } = await import("./help.ts");
  if (word === undefined || word === "help" || word === "--help" || word === "-h") {
    await write("STDOUT", tableHelp("k3os", table));
    return EXIT.done;
  }
  const kind = word.startsWith("-") ? "option" : "command";
  const names = Object.entries(table).flatMap(([key, row]) => (row.hidden ? [] : [key]));
  const near = kind === "command" ? nearest(word, names) : undefined;
  const error = new UsageError(
    `Unknown ${kind} "${word}"${near === undefined ? "" : `: did you mean "${near}"?`}`,
  );
  await write("STDERR", `${formatError(error)}\n\nRun "k3os --help" for all commands.\n`);
  return EXIT.usage;
}

async function runCommand(
  name: string,
  row: CommandRow,
  argv: readonly string[],
  call: Call,
): Promise<number> {
  let command: Command | undefined;
  let debug = false;
  try {
    command = await row.load();
    const sub = subcommand(command, argv);
    if (sub !== undefined) return await runCommand(`${name} ${sub.name}`, sub.row, sub.argv, call);
    const cli = await import("./cli.ts");
    const args = cli.parseCommandLine(command, argv, call.env);
    debug = args.values.debug === true;
    if (args.values.help === true) {
      const { commandHelp } = await import("./help.ts");
      await write("STDOUT", commandHelp(name, row.summary, command));
      return EXIT.done;
    }
    return await runAs(call.uid, command, args, await call.createHost({ debug }));
  } catch (error) {
    await write("STDERR", `${formatError(error, { stack: debug })}\n`);
    if (error instanceof UsageError && command !== undefined) {
      const { usageHint } = await import("./help.ts");
      await write("STDERR", usageHint(name));
    }
    return exitStatus(error);
  }
}

/**
 * Runs a command as the user `uid`, with output for programs if --json is set. A command that needs root is refused
 * first, before anything fails with a permission error.
 */
export async function runAs(
  uid: number | undefined,
  command: Command,
  args: ReturnType<typeof parseCommandLine>,
  host: Host,
): Promise<number> {
  const run = async (commandHost: Host): Promise<number> => {
    if (uid !== 0 && command.needsRoot?.(args)) throw new CommandError("Must be run as root");
    return await command.run(args, commandHost);
  };
  const values: Readonly<Record<string, unknown>> = args.values;
  if (command.json === undefined || values.json !== true) return await run(host);
  const { withEvents, withResult } = await import("./events.ts");
  return await (command.json === "events" ? withEvents : withResult)(host, run);
}

async function write(stream: "STDOUT" | "STDERR", text: string): Promise<void> {
  const output = await import("../host/output.ts");
  output.writeOut(output[stream], text);
}

function subcommand(command: Command, argv: readonly string[]) {
  const at = firstWord(argv);
  const name = argv[at];
  const row = name === undefined ? undefined : command.subcommands?.[name];
  if (name === undefined || row === undefined) return undefined;
  return { name, row, argv: [...argv.slice(0, at), ...argv.slice(at + 1)] };
}
