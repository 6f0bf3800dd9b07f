import { describe, expect, test } from "bun:test";
import { COMMANDS } from "../../../../bin/commands.ts";
import { type Command, optionsOf, parseCommandLine } from "../../../../lib/tools/cli/cli.ts";
import { loadCommands } from "../../../../lib/tools/cli/command-tree.ts";
import { formatError, UsageError } from "../../../../lib/tools/text/errors.ts";

const commands = (await loadCommands(COMMANDS)).filter(({ command }) => !command.rawArguments);

const command: Command = {
  options: {
    config: { type: "string", value: "FILE|URL", help: "configuration" },
    name: { type: "string", short: "n", help: "name" },
    yes: { type: "boolean", short: "y", help: "do not prompt" },
  },
  run: async () => 0,
};

/** What the user sees of the error that a command line causes. */
function errorOf(argv: readonly string[], of: Command = command): string {
  try {
    parseCommandLine(of, argv, {});
  } catch (error) {
    if (error instanceof UsageError) return formatError(error);
    throw error;
  }
  return "";
}

describe("parseCommandLine()", () => {
  test("reads options and arguments", () => {
    const argv = ["--config=-", "-y", "-n", "a", "--", "--b"];
    const { values, positionals } = parseCommandLine({ ...command, maxPositionals: 1 }, argv, {});
    expect(values).toMatchObject({ config: "-", yes: true, name: "a", debug: false });
    expect(positionals).toEqual(["--b"]);
  });

  test.each([
    [["--confg", "x"], 'Error: Unknown option "--confg": did you mean "--config"?'],
    [["-x"], 'Error: Unknown option "-x"'],
    [["--constructor"], 'Error: Unknown option "--constructor"'],
    [["--no-yes"], 'Error: Unknown option "--no-yes"'],
    [["--config"], "Error: Missing value for --config: expected FILE|URL"],
    [["-n"], "Error: Missing value for -n: expected VALUE"],
    [["--yes=maybe"], 'Error: --yes: found "maybe", expected true or false'],
    [
      ["--config", "--yes"],
      'Error: Missing value for --config: expected FILE|URL, found option "--yes"\n' +
        'Hint: to pass a value that starts with "-", use --config=--yes',
    ],
    [["a"], 'Error: Unexpected argument "a"'],
  ] as const)("explains %j", (argv, message) => {
    expect(errorOf(argv)).toBe(message);
  });

  test.each(commands)("speaks of the options of $words as users type them", ({ command: of }) => {
    for (const [name, option] of Object.entries(of.options)) {
      const wrong = option.type === "boolean" ? [[`--${name}=x`]] : [[`--${name}`], [`--${name}`, "--x"]];
      for (const message of wrong.map((argv) => errorOf(argv, of))) {
        expect(message).toMatch(/^Error: (Missing value .*--|--.*expected true or false$)/);
        expect(message).not.toMatch(/'|<value>|argument|ambiguous|\. /);
      }
    }
  });
});

const OPTIONS = {
  quick: { type: "boolean", short: "q", help: "hurry", env: "QUICK" },
  print: { type: "boolean", help: "print", excludes: ["json"] },
  name: { type: "string", help: "which", env: "NAME" },
  key: { type: "string", multiple: true, help: "keys", env: "KEY" },
} as const;
const COMPLETED: Command<typeof OPTIONS> = {
  options: OPTIONS,
  json: "events",
  maxPositionals: 1,
  run: async () => 0,
};

const parse = (argv: readonly string[], env = {}) => parseCommandLine(COMPLETED, argv, env);

describe("parseCommandLine() with variables", () => {
  test("completes from the environment what the command line does not name", () => {
    const env = { QUICK: "yes", NAME: "env", KEY: "k" };
    expect(parse([], env).values).toMatchObject({ quick: true, name: "env", key: ["k"] });
    expect(parse(["--name", "flag", "--quick=no"], env)).toMatchObject({
      values: { quick: false, name: "flag" },
      given: ["name", "quick"],
    });
    expect(parse([], { QUICK: "", NAME: "", KEY: "" }).values).toMatchObject({ quick: false, key: [] });
    expect(parse([]).values.name).toBeUndefined();
  });

  test("takes a boolean with and without a value, the last one counts", () => {
    expect(parse(["--quick"]).values.quick).toBe(true);
    expect(parse(["-q"]).values.quick).toBe(true);
    expect(parse(["--quick", "--quick=off"]).values.quick).toBe(false);
    expect(parse(["--quick=off", "-q", "x"])).toMatchObject({ values: { quick: true }, positionals: ["x"] });
    expect(parse(["--", "--quick=off"]).positionals).toEqual(["--quick=off"]);
    expect(parse(["--name=--quick=off"]).values).toMatchObject({ name: "--quick=off", quick: false });
  });

  test("refuses what is no boolean, and says where it stands", () => {
    expect(() => parse(["--quick=often"])).toThrow('--quick: found "often", expected true or false');
    expect(() => parse([], { QUICK: "often" })).toThrow('QUICK: found "often", expected true or false');
    expect(() => parse([], { QUICK: "often" })).toThrow(UsageError);
  });

  test("refuses options that exclude each other", () => {
    expect(() => parse(["--json", "--print"])).toThrow("Cannot combine --print with --json");
    expect(parse(["--print"]).values.print).toBe(true);
  });

  test("leaves arguments and variables alone that are not ours to understand", () => {
    const raw = { ...COMPLETED, rawArguments: true };
    expect(parseCommandLine(raw, ["--quick=often", "a", "b"], { QUICK: "often" }).values.quick).toBe(false);
  });
});

test("optionsOf() has --json for a command that prints for programs", () => {
  expect(Object.keys(optionsOf({ options: {}, json: "result" }))).toEqual(["json", "debug", "help"]);
  expect(Object.keys(optionsOf({ options: {} }))).toEqual(["debug", "help"]);
});
