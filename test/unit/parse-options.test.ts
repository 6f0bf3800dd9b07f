import { expect, test } from "bun:test";
import { parseArgs } from "node:util";
import { UsageError } from "../../lib/errors.ts";
import { parseOptions } from "../../lib/parse-options.ts";

const OPTIONS = {
  device: { type: "string", short: "d", help: "" },
  "no-format": { type: "boolean", short: "n", help: "" },
  silent: { type: "boolean", short: "s", help: "" },
  arch: { type: "string", multiple: true, help: "" },
  secret: { type: "boolean", hidden: true, help: "" },
} as const;

const WORDS = [
  ...["--device", "--device=x", "--device=", "--arch", "--arch=b", "--silent", "--silent=1", "--no-silent"],
  ...["-d", "-dx", "-d=x", "-dd", "-ns", "-nsd", "-nsdx", "-nx", "-x", "-n-", "-1", "--x", "--x=1", "--=x"],
  ...["---x", "--toString", "--__proto__", "--", "-", "", "x"],
];

const LAST = ["x", "-s", "--device=y", "--arch=c"];

test("parseOptions() takes and refuses what node:util's parseArgs does", () => {
  const lines = WORDS.flatMap((a) => [[a], ...WORDS.flatMap((b) => [[a, b], ...LAST.map((c) => [a, b, c])])]);
  const different = lines.filter((argv) => JSON.stringify(ours(argv)) !== JSON.stringify(theirs(argv)));
  expect(different).toEqual([]);
});

function ours(argv: string[]): unknown {
  try {
    const { given, positionals } = parseOptions(OPTIONS, argv);
    const value = (name: string) => (name === "arch" ? given.get(name) : given.get(name)?.[0]);
    return [Object.keys(OPTIONS).map(value), positionals];
  } catch (error) {
    return error instanceof UsageError;
  }
}

function theirs(argv: string[]): unknown {
  try {
    const { values, positionals } = parseArgs({ args: argv, options: OPTIONS, allowPositionals: true });
    return [Object.keys(OPTIONS).map((name) => values[name as keyof typeof OPTIONS]), positionals];
  } catch {
    return true;
  }
}

test.each([
  [["--devise", "x"], 'Unknown option "--devise": did you mean "--device"?'],
  [["--secre"], 'Unknown option "--secre"'],
  [["-sx"], 'Unknown option "-x"'],
  [["--device"], 'Option "--device" needs a value'],
  [["-d", "--silent"], 'Option "-d" needs a value'],
  [["--silent=yes"], 'Option "--silent" takes no value'],
])("parseOptions() of %j says what is wrong", (argv, message) => {
  expect(() => parseOptions(OPTIONS, argv)).toThrow(new UsageError(message));
});
