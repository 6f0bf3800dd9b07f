import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { PROJECT } from "../../support/sources.ts";

const manifest = JSON.parse(readFileSync(join(PROJECT, "package.json"), "utf8")) as {
  readonly dependencies: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
  readonly scripts: Readonly<Record<string, string>>;
};
const dependencies = Object.entries({ ...manifest.dependencies, ...manifest.devDependencies });

describe("package.json", () => {
  test.each(dependencies)("pins %s to one version", (_, version) => {
    expect(version).toMatch(/^\d+\.\d+\.\d+$/);
  });

  test("names in its scripts only files that exist", () => {
    const files = Object.values(manifest.scripts).flatMap(
      (line) => line.match(/\b(bin|test)\/[\w/.-]+/g) ?? [],
    );
    const missing = files.filter((file) => readFile(file) === undefined);
    expect(missing).toEqual([]);
  });

  test("agrees with the lock file", () => {
    const lock = JSON.parse(readFile("package-lock.json") ?? "{}") as {
      readonly packages: Readonly<Record<string, { readonly version?: string } | undefined>>;
    };
    const other = dependencies.filter(
      ([name, version]) => lock.packages[`node_modules/${name}`]?.version !== version,
    );
    expect(other).toEqual([]);
  });
});

function readFile(path: string): string | undefined {
  try {
    return readFileSync(join(PROJECT, path), "utf8");
  } catch {
    return undefined;
  }
}
