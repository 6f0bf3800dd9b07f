import { describe, expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { callComplaint } from "../../support/documented-calls.ts";
import { programCalls } from "../../support/shell-lines.ts";
import { PROJECT } from "../../support/sources.ts";
import { callsOf, readWorkflows, stepsOf, usesOf, workflowFaults } from "../../support/workflows.ts";

const workflows = readWorkflows();
const jobs = workflows.flatMap(({ path, jobs }) => {
  return Object.entries(jobs).map(([name, job]) => ({ name: `${path} ${name}`, job }));
});

function read(path: string): string {
  return readFileSync(join(PROJECT, path), "utf8");
}

async function complaints(calls: readonly (readonly string[])[]): Promise<string[]> {
  const all = await Promise.all(calls.map(callComplaint));
  return all.filter((complaint) => complaint !== undefined);
}

describe.each(workflows)("$path", (workflow) => {
  test("is right for GitHub's own reader", async () => {
    expect(await workflowFaults(workflow, read)).toEqual([]);
  });

  test("runs only what runs here, too", async () => {
    expect(await complaints(callsOf(workflow))).toEqual([]);
  });

  test("puts no expression into a shell's text", () => {
    expect(stepsOf(workflow).filter(({ run = "" }) => run.includes("${{"))).toEqual([]);
  });

  test("uses actions by commit, with the version beside it, and workflows that exist", () => {
    const actions = usesOf(workflow).filter((what) => !what.startsWith("./"));
    expect(actions.filter((what) => !/^[\w/-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/.test(what))).toEqual([]);
    const own = usesOf(workflow).filter((what) => what.startsWith("./"));
    expect(own.filter((what) => !existsSync(join(PROJECT, what)))).toEqual([]);
  });

  test("may read the repository, and nothing else", () => {
    expect(workflow.permissions).toEqual({ contents: "read" });
  });

  test("does not run twice at once for one reference, unless another calls it", () => {
    const called = Object.keys(workflow.on).every((event) => event === "workflow_call");
    expect(workflow.concurrency !== undefined).toBe(!called);
  });
});

test("the same version of an action is used everywhere", () => {
  const actions = new Map<string, Set<string>>();
  for (const what of workflows.flatMap(usesOf).filter((each) => each.includes("@"))) {
    const [name = "", commit = ""] = what.split("@");
    const repository = name.split("/").slice(0, 2).join("/");
    actions.set(repository, (actions.get(repository) ?? new Set()).add(commit));
  }
  expect([...actions].filter(([, commits]) => commits.size > 1)).toEqual([]);
});

describe.each(jobs)("$name", ({ job }) => {
  test("ends after a time, itself or in the workflow that it calls", () => {
    expect(job.uses === undefined).toBe((job["timeout-minutes"] ?? 0) > 0);
  });

  test("runs each part of a ring that it splits", () => {
    const { shard = [] } = (job.strategy?.matrix ?? {}) as { readonly shard?: readonly string[] };
    expect([...shard]).toEqual(shard.map((_, index) => `${index + 1}/${shard.length}`));
  });
});

test(".ci/run runs the tests as a developer does", async () => {
  const calls = programCalls(read(".ci/run").replace("exec ", ""));
  expect(calls.at(-1)).toEqual(["npm", "test"]);
  expect(await complaints(calls.slice(-1))).toEqual([]);
});

test("callsOf() finds a call for each value of a matrix", () => {
  const steps = [{ run: 'npm test -- vm --shard "$PART"', env: { PART: `\${{ matrix.part }}` } }];
  const jobs = (part: unknown) => ({ a: { strategy: { matrix: { part } }, steps } });
  const calls = ["1/2", "2/2"].map((part) => ["npm", "test", "--", "vm", "--shard", part]);
  expect(callsOf({ jobs: jobs(["1/2", "2/2"]) })).toEqual(calls);
  const [words] = callsOf({ jobs: jobs(`\${{ fromJSON('["amd64"]') }}`) });
  expect(words?.at(-1)).toBe("amd64");
});

describe("workflowFaults()", () => {
  const job = (more: string) => `on: push\njobs:\n  a:\n    runs-on: ubuntu-24.04\n${more}`;
  const steps = "    steps:\n      - run: npm test\n";

  test.each([
    ["an unknown word", job(`    step: 1\n${steps}`), "Unexpected value 'step'"],
    ["a job that is not there", job(`    needs: b\n${steps}`), "at least one job with no dependencies"],
    ["an unknown context", job(`${steps}        if: branch == 'x'\n`), "Unrecognized named-value: 'branch'"],
    ["an unknown event", job(steps).replace("push", "pushed"), "Unexpected value 'pushed'"],
    ["a time that is none", job(steps).replace("push", '{schedule: [{cron: "99 2 * * *"}]}'), "Invalid cron"],
    [
      "an input that the called workflow has not",
      "on: push\njobs:\n  a:\n    uses: ./.github/workflows/called.yml\n    with:\n      some: true\n",
      "some",
    ],
  ])("finds %s", async (_, text, fault) => {
    const called = `on:\n  workflow_call:\n    inputs:\n      all:\n        type: boolean\njobs:\n  a:\n    runs-on: x\n${steps}`;
    expect((await workflowFaults({ path: "a.yml", text }, () => called)).join("\n")).toContain(fault);
  });
});
