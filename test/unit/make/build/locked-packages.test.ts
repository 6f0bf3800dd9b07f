import { expect, test } from "bun:test";
import { lockedClosure } from "../../../../lib/make/build/locked-packages.ts";

const LOCKED = {
  "": { version: "0.30.0" },
  "node_modules/a": {
    version: "1.0.0",
    integrity: "sha512-a",
    dependencies: { b: "^1", c: "^2" },
    optionalDependencies: { "other-machine": "^1" },
  },
  "node_modules/b": { version: "1.5.0", integrity: "sha512-b", dependencies: { a: "*" } },
  "node_modules/c": { version: "1.0.0", integrity: "sha512-c1" },
  "node_modules/a/node_modules/c": { version: "2.0.0", integrity: "sha512-c2" },
  "node_modules/broken": { version: "1.0.0", dependencies: { missing: "^1" } },
};

test("lockedClosure() names packages with all that they need, each at the version that is found from there", () => {
  expect(lockedClosure(["a"], LOCKED)).toEqual([
    "node_modules/a 1.0.0 sha512-a",
    "node_modules/a/node_modules/c 2.0.0 sha512-c2",
    "node_modules/b 1.5.0 sha512-b",
  ]);
});

test.each(["missing", "broken"])("lockedClosure() refuses what is not locked: %s", (name) => {
  expect(() => lockedClosure([name], LOCKED)).toThrow('"missing" is not in package-lock.json');
});
