import { describe, expect, test } from "bun:test";
import { importsOf, readSources, type Source } from "../../support/sources.ts";

/**
 * The folder says the layer. `commands` and the domains, `lib/NAME`, are the product; `lib/tools` is below them, and
 * `lib/make` beside: it makes the artifacts and runs them on a developer's machine.
 */
const MAKER = /^(lib\/make\/|bin\/(build|publish|vm|screens)\.ts$)/;
/** The rooms of lib/tools, each of which uses only those before it. */
const TOOLS = [
  "text",
  "host",
  "terminal",
  "fs",
  "images",
  "http",
  "release",
  "disk",
  "generation",
  "node",
  "kubernetes",
  "cli",
];
/** The only files that may name these packages: everything else goes through them. */
const GATES: Readonly<Record<string, readonly string[]>> = {
  zx: ["lib/tools/host/host.ts"],
  "@inquirer/prompts": ["lib/tools/terminal/prompt.ts"],
  undici: ["lib/tools/http/http-client.ts", "lib/tools/http/http-undici.ts"],
};

const DEPENDENCIES = ["zx", "@inquirer/prompts", "undici", "yaml", "semver", "modern-tar"];
/** Of those that are no part of the product, what makes it uses these. */
const MAKER_DEPENDENCIES = ["@cyclonedx/cyclonedx-library"];

const product = readSources(["bin", "commands", "lib"]);

/** Why `from` must not import `to`; undefined where it may. */
function objection(from: string, to: string): string | undefined {
  if (to.startsWith("test/")) return "only tests import test code";
  if (to.startsWith("bin/") && !from.startsWith("bin/")) return "nothing imports bin";
  if (MAKER.test(from)) return undefined;
  if (MAKER.test(to)) return "the product does not import what makes it";
  if (to.startsWith("commands/") && !from.startsWith("bin/") && !isSubcommand(to, from)) {
    return "only bin imports commands";
  }
  if (!from.startsWith("lib/") || !to.startsWith("lib/")) return undefined;
  const [source, target] = [domainOf(from), domainOf(to)];
  if (source === "tools") return target === "tools" ? upwards(from, to) : "a tool imports no domain";
  return ["tools", "config", source].includes(target)
    ? undefined
    : "a domain imports no other domain but config";
}

/** The folder of lib/ that a file is in. */
function domainOf(path: string): string {
  return path.split("/")[1] ?? "";
}

function upwards(from: string, to: string): string | undefined {
  const [source, target] = [from, to].map((path) => TOOLS.indexOf(path.split("/")[2] ?? ""));
  return (target ?? 0) <= (source ?? 0) ? undefined : "a room of tools imports only the rooms below it";
}

/** `config` loads its own `config-validate`, as bin loads `config`. */
function isSubcommand(path: string, parent: string): boolean {
  return path.startsWith(`${parent.replace(/\.ts$/, "")}-`);
}

/** Each offence as `FILE imports WHAT: why`. */
function offences(sources: readonly Source[]): string[] {
  return sources.flatMap(({ path, imports }) =>
    imports.flatMap((target) => {
      const why = target.path === undefined ? undefined : objection(path, target.path);
      return why === undefined ? [] : [`${path} imports ${target.path}: ${why}`];
    }),
  );
}

describe("imports", () => {
  test("go from bin to commands to domains to tools", () => {
    expect(offences(product)).toEqual([]);
  });

  test("name a room of lib/tools that has its place among them", () => {
    const rooms = product.map(({ path }) => /^lib\/tools\/([^/]+)/.exec(path)?.[1]);
    expect([...new Set(rooms)].filter((room) => room !== undefined).toSorted()).toEqual(TOOLS.toSorted());
  });

  test.each(Object.entries(GATES))("of %s are in its one module", (name, gates) => {
    const users = product.filter(({ imports }) =>
      imports.some(({ specifier }) => specifier === name || specifier.startsWith(`${name}/`)),
    );
    const others = users.map(({ path }) => path).filter((path) => !gates.includes(path));
    expect(others.filter((path) => !(name === "zx" && MAKER.test(path)))).toEqual([]);
  });

  test("of packages are of pinned dependencies or of Node", () => {
    const foreign = product.flatMap(({ path, imports }) =>
      imports
        .filter((target) => target.path === undefined && !/^(node:|bun$|bun:)/.test(target.specifier))
        .map(({ specifier }) =>
          specifier
            .split("/")
            .slice(0, specifier.startsWith("@") ? 2 : 1)
            .join("/"),
        )
        .filter((name) => !DEPENDENCIES.includes(name))
        .filter((name) => !(MAKER.test(path) && MAKER_DEPENDENCIES.includes(name)))
        .map((name) => `${path}: ${name}`),
    );
    expect(foreign).toEqual([]);
  });

  test("carry the extension .ts", () => {
    const bare = product.flatMap(({ path, imports }) =>
      imports
        .filter((target) => target.path !== undefined && !/\.(ts|json)$/.test(target.specifier))
        .map(({ specifier }) => `${path}: ${specifier}`),
    );
    expect(bare).toEqual([]);
  });
});

describe("objection()", () => {
  test.each([
    ["lib/tools/http/http.ts", "lib/config/schema/schema.ts", "a tool imports no domain"],
    ["lib/tools/disk/mount.ts", "lib/boot/mode.ts", "a tool imports no domain"],
    ["lib/boot/mode.ts", "lib/install/install-plan.ts", "a domain imports no other domain but config"],
    ["commands/init.ts", "commands/install.ts", "only bin imports commands"],
    ["lib/boot/mode.ts", "commands/init.ts", "only bin imports commands"],
    ["commands/install.ts", "lib/make/image/iso.ts", "the product does not import what makes it"],
    ["lib/tools/host/host.ts", "bin/commands.ts", "nothing imports bin"],
    ["lib/tools/fs/atomic.ts", "lib/tools/http/http.ts", "a room of tools imports only the rooms below it"],
    ["lib/tools/host/host.ts", "test/support/host.ts", "only tests import test code"],
  ])("refuses %s importing %s", (from, to, why) => {
    expect(objection(from, to)).toBe(why);
  });

  test.each([
    ["bin/commands.ts", "commands/init.ts"],
    ["commands/init.ts", "lib/boot/mode.ts"],
    ["lib/install/install-plan.ts", "lib/config/schema/schema.ts"],
    ["lib/install/install-plan.ts", "lib/tools/disk/mount.ts"],
    ["lib/make/image/iso.ts", "lib/make/build/context.ts"],
    ["bin/build.ts", "lib/make/image/iso.ts"],
  ])("lets %s import %s", (from, to) => {
    expect(objection(from, to)).toBeUndefined();
  });
});

describe("importsOf()", () => {
  test("finds fixed, type-only, multi-line, lazy and re-exporting imports, and none in comments", () => {
    const text = [
      'import { a } from "./a.ts";',
      'import type { B } from "../b.ts";',
      'import {\n  c,\n  d,\n} from "yaml";',
      'import "./effect.ts";',
      'export { e } from "./e.ts";',
      'const f = await import("./f.ts");',
      '// import { g } from "./g.ts";',
    ].join("\n");
    expect(importsOf("lib/x/y.ts", text).map(({ specifier, path }) => path ?? specifier)).toEqual([
      "lib/x/a.ts",
      "lib/b.ts",
      "yaml",
      "lib/x/effect.ts",
      "lib/x/e.ts",
      "lib/x/f.ts",
    ]);
  });
});
