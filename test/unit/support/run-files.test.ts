import { describe, expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Outcome } from "../../support/report.ts";
import { openScratch, readOutcome, testArguments } from "../../support/run-files.ts";

const GOOD = `test("good", () => {});`;

/** Runs test files by Bun as a ring does, quietly. */
function run(bodies: Readonly<Record<string, string>>): Outcome {
  const directory = mkdtempSync(join(tmpdir(), "k3os-run-files-"));
  try {
    const files = Object.entries(bodies).map(([name, body]) => {
      const file = join(directory, `${name}.test.ts`);
      writeFileSync(file, `import { expect, test } from "bun:test";\n${body}\n`);
      return file;
    });
    const report = join(directory, "unit.xml");
    const [program = "", ...args] = testArguments(files, { report, timeout: 5000, spread: true });
    const { status, stdout } = spawnSync(program, args, { encoding: "utf8" });
    expect(stdout).toContain("PARALLEL");
    return readOutcome(report, `status ${status}`);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

describe("files that are spread over processors", () => {
  test("are counted as one", () => {
    expect(run({ a: GOOD, b: GOOD, c: `${GOOD}\ntest.skip("left out", () => {});` })).toEqual({
      passed: 3,
      failed: [],
      skipped: [expect.stringContaining("left out")],
    });
  });

  test.each([
    ["a test that fails", `test("bad", () => expect(1).toBe(2));`, "bad"],
    [
      "a test that ends the process as if all were well",
      `test("exits", () => process["exit"](0));`,
      "crashed",
    ],
    ["a test that kills it", `test("dies", () => process.kill(process.pid, "SIGKILL"));`, "crashed"],
    ["a file that cannot be loaded", `throw new Error("not this");`, "status 1"],
  ])("%s fails the run, and the others count", (_, body, named) => {
    const { passed, failed } = run({ bad: body, a: GOOD, b: GOOD });
    expect(failed).toEqual([expect.stringContaining(named)]);
    expect(passed).toBe(2);
  });
});

describe("openScratch()", () => {
  test("is a directory in memory that goes away with its scope, or none", () => {
    const paths: string[] = [];
    {
      using scratch = openScratch();
      if (scratch !== undefined) paths.push(scratch.path);
      expect(paths.filter((path) => !existsSync(path))).toEqual([]);
    }
    expect(paths.filter((path) => existsSync(path))).toEqual([]);
  });

  test("is none where there is no such directory, and on a file system that is too small", () => {
    expect(openScratch("/no/such/directory")).toBeUndefined();
    expect(openScratch("/proc")).toBeUndefined();
  });
});
