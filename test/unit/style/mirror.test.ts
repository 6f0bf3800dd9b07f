import { expect, test } from "bun:test";
import { basename, dirname } from "node:path";
import { readSources } from "../../support/sources.ts";

/** Folders of test/unit about something other than a folder of lib/. */
const OTHERS = ["bench", "commands", "docs", "install-script", "manifests", "style", "support"];
/** Tests about what several modules do together. */
const SEVERAL = [
  ...["config/read/hostile", "install/interview/answers", "install/interview/fetched"],
  ...["make/image/rebuilds", "tools/generation/damaged-records"],
];
/** The number of modules that only tests of what uses them, or of the other rings, run. It must not grow. */
const WITHOUT_TEST = 96;

const modules = readSources(["lib"])
  .map(({ path }) => path)
  .filter((path) => !path.endsWith(".d.ts"));
const tests = readSources(["test/unit"]);
const named = tests
  .map(({ path }) => path)
  .filter((path) => path.endsWith(".test.ts") && !OTHERS.includes(path.split("/")[2] ?? ""));

function moduleOf(path: string): string {
  return path.replace(/^test\/unit\//, "lib/").replace(/\.test\.ts$/, ".ts");
}

test("a unit test lies where its module does in lib/, and has its name", () => {
  const known = [...modules, ...SEVERAL.map((name) => `lib/${name}.ts`)];
  expect(named.filter((path) => !known.includes(moduleOf(path)))).toEqual([]);
});

test("what unit tests share lies beside them", () => {
  const folders = new Set([...modules].map(dirname));
  const shared = tests.map(({ path }) => path).filter((path) => !path.endsWith(".test.ts"));
  expect(shared.filter((path) => !folders.has(dirname(moduleOf(path))))).toEqual([]);
});

test("no further module is without a unit test that names it", () => {
  const tested = new Set([
    ...named.map(moduleOf),
    ...tests.flatMap(({ imports }) => imports.map(({ path }) => path)),
  ]);
  const lacking = modules.filter((path) => !tested.has(path));
  expect(lacking.length > WITHOUT_TEST ? lacking : []).toEqual([]);
});

test("a search by file name offers one module: no two share a name", () => {
  const product = readSources(["bin", "commands", "lib"]).map(({ path }) => path);
  const names = product.map((path) => basename(path));
  expect(product.filter((path) => names.filter((name) => name === basename(path)).length > 1)).toEqual([]);
});
