import { type Command, parseCommandLine } from "../../lib/tools/cli/cli.ts";
import { commandHelp } from "../../lib/tools/cli/help.ts";
import { EXIT, UsageError } from "../../lib/tools/text/errors.ts";

/** The rings, from the quickest to what takes longest. */
const RING_NAMES = ["format", "types", "unit", "system", "vm", "cluster"] as const;
const CHECK_RINGS = ["format", "types", "unit"] as const;

export type RingName = (typeof RING_NAMES)[number];

/** One of `count` parts of a ring's test files, from 1. */
export interface Shard {
  readonly number: number;
  readonly count: number;
}

/** What a call of test/run.ts runs. */
export interface RunRequest {
  readonly rings: readonly RingName[];
  /** Parts of the paths of test files; none: all files. */
  readonly filters: readonly string[];
  /** Whether the groups of tests that take longest are left out. */
  readonly short: boolean;
  readonly shard: Shard;
}

const COMMAND = {
  usage: "[all | check | RING [FILTER...]]",
  description: `
Runs every ring, but not the groups of tests in it that take longest, which count
as skipped: "all" runs them too. Or only the quick rings (check: format, types,
unit), or one ring, of it only the test files whose path contains a FILTER.
Rings: ${RING_NAMES.join(", ")}.`,
  options: {
    short: { type: "boolean", help: "leave out what takes longest of one ring, too" },
    shard: {
      type: "string",
      value: "N/COUNT",
      help: "of one ring only the Nth of COUNT parts of its test files",
    },
  },
  maxPositionals: Number.POSITIVE_INFINITY,
  run: async () => EXIT.done,
} as const satisfies Command;

/** The help of test/run.ts. */
export function runHelp(): string {
  return commandHelp("bun test/run.ts", "Run the tests", COMMAND);
}

const WHOLE: Shard = { number: 1, count: 1 };

/** Reads the arguments of test/run.ts; undefined if they ask for its help. Throws UsageError. */
export function readRunArguments(argv: readonly string[]): RunRequest | undefined {
  const { values, positionals } = parseCommandLine(COMMAND, argv, {});
  if (values.help) return undefined;
  const [first, ...filters] = positionals;
  const shard = values.shard === undefined ? WHOLE : readShard(values.shard);
  const request = { filters, short: values.short || first === undefined, shard };
  const ring = RING_NAMES.find((name) => name === first);
  if (ring !== undefined) return { ...request, rings: [ring] };
  if (filters.length > 0 || values.shard !== undefined)
    throw new UsageError("Filters and --shard need one ring before them");
  if (first === "check") return { ...request, rings: CHECK_RINGS };
  if (first === undefined || first === "all") return { ...request, rings: RING_NAMES };
  throw new UsageError(`Unknown ring "${first}": expected all, check, ${RING_NAMES.join(", ")}`);
}

function readShard(text: string): Shard {
  const [, number = 0, count = 0] = /^(\d+)\/(\d+)$/.exec(text)?.map(Number) ?? [];
  if (number >= 1 && number <= count) return { number, count };
  throw new UsageError(`Invalid shard "${text}": expected NUMBER/COUNT, such as 1/3`);
}

/** The files of a shard: each file is in one of them, and neighbours are in different ones. */
export function filesOfShard(files: readonly string[], { number, count }: Shard): string[] {
  return files.filter((_, index) => index % count === number - 1);
}
