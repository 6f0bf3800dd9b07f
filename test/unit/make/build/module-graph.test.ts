import { describe, expect, test } from "bun:test";
import { bundledDigest, linkedDigest, moduleGraph } from "../../../../lib/make/build/module-graph.ts";
import { testHost } from "../../../support/host.ts";

/** A project of these files; the graph of `lib/entry.ts`. */
function graphOf(files: Readonly<Record<string, string>>, strict = true) {
  using host = testHost({ files });
  return moduleGraph(["lib/entry.ts"], host.root, { strict });
}

function digestOf(files: Readonly<Record<string, string>>): string {
  return linkedDigest("lib/entry.ts", graphOf(files));
}

describe("moduleGraph()", () => {
  test("follows fixed, lazy and re-exporting imports, JSON too, and names the packages", () => {
    const { modules, packages } = graphOf({
      "/lib/entry.ts":
        'import { a } from "./a.ts"; export * from "../b.ts"; const c = () => import("./c.ts"); a(c);',
      "/lib/a.ts": 'import list from "./list.json" with { type: "json" }; export const a = list;',
      "/b.ts":
        'import { parse } from "yaml"; import { x } from "@scope/name/part"; export const b = parse(x);',
      "/lib/c.ts": 'import { join } from "node:path"; export const c = join;',
      "/lib/list.json": "[]",
    });
    expect([...modules.keys()].sort()).toEqual([
      "b.ts",
      "lib/a.ts",
      "lib/c.ts",
      "lib/entry.ts",
      "lib/list.json",
    ]);
    expect(packages).toEqual(["@scope/name", "yaml"]);
  });

  test("does not follow imports of types, nor those in comments and texts", () => {
    const { modules } = graphOf({
      "/lib/entry.ts": `import type { A } from "./a.ts"; // import "./b.ts"
        export const text = 'import "./c.ts"'; export const a: A = 1;`,
    });
    expect([...modules.keys()]).toEqual(["lib/entry.ts"]);
  });

  test("ends where modules import each other", () => {
    const circle = {
      "/lib/entry.ts": 'import { b } from "./b.ts"; export const a = b;',
      "/lib/b.ts": 'import { a } from "./entry.ts"; export const b = () => a;',
    };
    expect(graphOf(circle).modules.size).toBe(2);
    expect(digestOf(circle)).not.toBe(digestOf({ ...circle, "/lib/b.ts": `${circle["/lib/b.ts"]} b();` }));
  });

  test.each([
    ["a module that is not there", 'import "./gone.ts";', '"lib/gone.ts"'],
    ["a module out of the project", 'import "../../out.ts";', '"../out.ts"'],
    ["a module whose name is computed", "export const a = (name) => import(name);", "computed"],
    ["a module whose name is put together", "export const a = (name) => import('./' + name);", "computed"],
    ["what does not parse", "export const = ;", '"lib/entry.ts"'],
    ["the environment", "export const a = process.env.HOME;", "the environment"],
    ["files beside it", 'export const a = import.meta.dirname + "/x";', "files beside it"],
  ])("refuses %s", (_, text, message) => {
    const graph = () => graphOf({ "/lib/entry.ts": text });
    expect(graph).toThrow();
    let said = "";
    try {
      graph();
    } catch (error) {
      said = `${(error as Error).message} ${String((error as Error).cause ?? "")}`;
    }
    expect(said).toContain(message);
  });

  test("lets a program look at the environment, and a step name its own module or speak of it", () => {
    expect(graphOf({ "/lib/entry.ts": "export const a = process.env.HOME;" }, false).modules.size).toBe(1);
    const named = 'export const a = import.meta.filename; export const text = "process.env.HOME";';
    expect(graphOf({ "/lib/entry.ts": named }).modules.size).toBe(1);
  });
});

describe("linkedDigest()", () => {
  const FILES = {
    "/lib/entry.ts": 'import { a } from "./a.ts";\nimport { b } from "./b.ts";\nexport const sum = a + b;',
    "/lib/a.ts": 'import { one } from "./one.ts";\nexport const a = one;',
    "/lib/b.ts": "export const b = 2;",
    "/lib/one.ts": "export const one = 1;",
  };

  test("changes with the code of a module that is imported by an imported one", () => {
    expect(digestOf({ ...FILES, "/lib/one.ts": "export const one = 3;" })).not.toBe(digestOf(FILES));
  });

  test("changes when a name is imported from another module that is known, too", () => {
    const both = { ...FILES, "/lib/b.ts": "export const b = 2;\nexport const a = 1;" };
    const other = 'import { a, b } from "./b.ts";\nimport "./a.ts";\nexport const sum = a + b;';
    expect(digestOf({ ...both, "/lib/entry.ts": other })).not.toBe(digestOf(both));
  });

  test("does not change with comments and types, nor when a module moves", () => {
    const commented = "/** One. */\nexport const one: number = 1; // more";
    expect(digestOf({ ...FILES, "/lib/one.ts": commented })).toBe(digestOf(FILES));
    const { "/lib/a.ts": _, "/lib/one.ts": one, ...left } = FILES;
    const moved = {
      ...left,
      "/lib/entry.ts":
        'import { b } from "./b.ts";\nimport { a } from "./far/a.ts";\nexport const sum = a + b;',
      "/lib/far/a.ts": 'import { one } from "../../one.ts";\nexport const a = one;',
      "/one.ts": one,
    };
    expect(digestOf(moved)).toBe(digestOf(FILES));
  });
});

test("bundledDigest() changes when a module moves: the bundle may hold its path", () => {
  const files = {
    "/lib/entry.ts": 'import { a } from "./a.ts"; a();',
    "/lib/a.ts": "export const a = () => 1;",
  };
  const moved = { "/lib/entry.ts": 'import { a } from "../a.ts"; a();', "/a.ts": files["/lib/a.ts"] };
  expect(bundledDigest(graphOf(moved))).not.toBe(bundledDigest(graphOf(files)));
});
