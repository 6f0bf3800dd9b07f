import { describe, expect, test } from "bun:test";
import { filesOfShard, readRunArguments, runHelp } from "../../support/run-arguments.ts";

const ALL = ["format", "types", "unit", "system", "vm", "cluster"];
const WHOLE = { number: 1, count: 1 };

describe("readRunArguments()", () => {
  test.each([
    [[], { rings: ALL, filters: [], short: true, shard: WHOLE }],
    [["all"], { rings: ALL, filters: [], short: false, shard: WHOLE }],
    [["check"], { rings: ["format", "types", "unit"], filters: [], short: false, shard: WHOLE }],
    [["vm", "boot", "node"], { rings: ["vm"], filters: ["boot", "node"], short: false, shard: WHOLE }],
    [
      ["--short", "--shard", "2/3", "vm"],
      { rings: ["vm"], filters: [], short: true, shard: { number: 2, count: 3 } },
    ],
  ])("reads %j", (argv, request) => {
    expect(readRunArguments(argv)).toEqual(request as ReturnType<typeof readRunArguments>);
  });

  test("leaves it to the caller to show the help", () => {
    expect(readRunArguments(["vm", "--help"])).toBeUndefined();
    expect(runHelp()).toContain("--shard N/COUNT");
  });

  test.each([
    [["vms"], 'Unknown ring "vms": expected all, check, format, types, unit, system, vm, cluster'],
    [["all", "boot"], "Filters and --shard need one ring before them"],
    [["--shard", "1/2"], "Filters and --shard need one ring before them"],
    [["vm", "--shard", "0/2"], 'Invalid shard "0/2": expected NUMBER/COUNT, such as 1/3'],
    [["vm", "--shard", "3/2"], 'Invalid shard "3/2": expected NUMBER/COUNT, such as 1/3'],
    [["vm", "--shard", "half"], 'Invalid shard "half": expected NUMBER/COUNT, such as 1/3'],
    [["--long"], 'Unknown option "--long"'],
  ])("refuses %j", (argv, message) => {
    expect(() => readRunArguments(argv)).toThrow(message);
  });
});

test("filesOfShard() puts each file into one shard", () => {
  const files = ["a", "b", "c", "d", "e"];
  const shards = [1, 2, 3].map((number) => filesOfShard(files, { number, count: 3 }));
  expect(shards).toEqual([["a", "d"], ["b", "e"], ["c"]]);
});
