import { afterAll, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { cacheKey } from "../../../../lib/make/build/context.ts";

const scratch = mkdtempSync(join(tmpdir(), "k3os-cache-key-"));
afterAll(() => rmSync(scratch, { recursive: true }));

function clone(name: string, text = "one"): string {
  const project = join(scratch, name);
  mkdirSync(join(project, "lib/make/image"), { recursive: true });
  writeFileSync(join(project, "lib/make/image/iso.ts"), text);
  return project;
}

function keyOf(project: string): string {
  return cacheKey([{ path: join(project, "lib") }, `${project}/.cache/loader@1/libc.so`, "trixie"], project);
}

test("cacheKey() does not depend on where the project lies", () => {
  expect(keyOf(clone("here"))).toBe(keyOf(clone("there")));
});

test("cacheKey() changes with the content, the name and the place of a file, and with a text", () => {
  const project = clone("changed", "two");
  const keys = [
    keyOf(clone("first")),
    keyOf(project),
    cacheKey([{ path: join(project, "lib/make/image") }], project),
    cacheKey([{ path: join(project, "lib/make/image") }, "trixie"], project),
    cacheKey([{ path: join(project, "lib/make/image") }, "forky"], project),
  ];
  expect(new Set(keys).size).toBe(keys.length);
});
