import { describe, expect, test } from "bun:test";
import { readJunit, succeeded, summary, total } from "../../support/report.ts";

/** As `bun test` 1.4.5 writes it. */
const REPORT = `<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="bun test" tests="4" assertions="2" failures="1" skipped="1" time="0.008">
  <testsuite name="a.test.ts" file="a.test.ts" tests="4" failures="1" skipped="1">
    <testcase name="adds" classname="" time="0.1" file="a.test.ts" line="2" assertions="1" />
    <testcase name="takes &lt;b&gt; &amp; &#39;c&#39;" classname="" time="0.1" file="a.test.ts" line="3">
      <failure type="AssertionError" message="no">no</failure>
    </testcase>
    <testcase name="needs a port [no network]" classname="" time="0" file="a.test.ts" line="4">
      <skipped />
    </testcase>
    <testcase name="divides" classname="" time="0.1" file="a.test.ts" line="5" assertions="1" />
  </testsuite>
</testsuites>`;

describe("readJunit()", () => {
  test("counts what passed, and names what failed and what was skipped", () => {
    expect(readJunit(REPORT)).toEqual({
      passed: 2,
      failed: ["a.test.ts: takes <b> & 'c'"],
      skipped: ["a.test.ts: needs a port [no network]"],
    });
  });

  test("throws on a report that breaks off", () => {
    expect(() => readJunit(REPORT.slice(0, 200))).toThrow("not complete");
  });
});

describe("summary()", () => {
  test("ends with one line of figures", () => {
    const text = summary(readJunit(REPORT));
    expect(text.split("\n").slice(-2)).toEqual(["2 passed, 1 failed, 1 skipped", ""]);
  });

  test("leaves skips out where there are none", () => {
    expect(summary({ passed: 3, failed: [], skipped: [] })).toBe("3 passed, 0 failed\n");
  });
});

test("succeeded() wants something to have run, or to say why not", () => {
  expect(succeeded(total([]))).toBe(false);
  expect(succeeded({ passed: 0, failed: [], skipped: ["cluster: no k3s"] })).toBe(true);
  expect(succeeded({ passed: 1, failed: [], skipped: [] })).toBe(true);
  expect(succeeded({ passed: 1, failed: ["a"], skipped: [] })).toBe(false);
});
