import { describe, expect, test } from "bun:test";
import { COMMANDS } from "../../../../bin/commands.ts";
import { type Command, parseCommandLine } from "../../../../lib/tools/cli/cli.ts";
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
    [["--yes=no"], 'Error: Unexpected value "no": --yes takes none'],
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
        expect(message).toMatch(/^Error: (Missing|Unexpected) value .*--/);
        expect(message).not.toMatch(/'|<value>|argument|ambiguous|\. /);
      }
    }
  });
});
