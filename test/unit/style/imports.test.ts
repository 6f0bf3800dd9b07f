import { describe, expect, test } from "bun:test";
import { importsOf, readSources, type Source } from "../../support/sources.ts";

/** Folders of lib/ that are tools, like the files beside them; all other folders are domains. */
const TOOL_FOLDERS = ["disk", "build", "generation", "completion"];
/** Domains of the product, in the order in which a machine meets them; and those that only build it. */
const PRODUCT_DOMAINS = [
  ...["config", "apply", "datasource", "install", "overlay", "upgrade", "boot"],
  "legacy", // commands of the original's system
  ...["inspect", "reset"], // what a person does to a node that runs: looks at it, and makes it new
];
const BUILD_DOMAINS = ["image", "executable"];
/** Runs on the developer's machine only. */
const BUILD_ENTRIES = ["bin/build.ts", "bin/vm.ts", "bin/screens.ts"];
/** The only files that may name these packages: everything else goes through them. */
const GATES: Readonly<Record<string, readonly string[]>> = {
  zx: ["lib/host.ts"],
  "@inquirer/prompts": ["lib/prompt.ts"],
  undici: ["lib/http-client.ts", "lib/http-undici.ts"],
};

const DEPENDENCIES = ["zx", "@inquirer/prompts", "undici", "yaml", "semver", "modern-tar", "@noble/hashes"];

const product = readSources(["bin", "commands", "lib"]);

type Layer =
  | { readonly kind: "bin" | "command" | "tool" | "test" }
  | { readonly kind: "domain"; readonly name: string };

function layerOf(path: string): Layer {
  const [top, folder = "", ...rest] = path.split("/");
  if (top === "bin") return { kind: "bin" };
  if (top === "commands") return { kind: "command" };
  if (top === "test") return { kind: "test" };
  if (rest.length === 0 || TOOL_FOLDERS.includes(folder)) return { kind: "tool" };
  return { kind: "domain", name: folder };
}

/** Why `from` must not import `to`; undefined where it may. */
function objection(from: string, to: string): string | undefined {
  const [source, target] = [layerOf(from), layerOf(to)];
  if (BUILD_ENTRIES.includes(from)) return undefined;
  if (isBuild(to) && !isBuild(from)) return "the product does not import what builds it";
  if (target.kind === "test") return "only tests import test code";
  if (target.kind === "bin" && source.kind !== "bin") return "nothing imports bin";
  if (target.kind === "command" && source.kind !== "bin" && !isSubcommand(to, from)) {
    return "only bin imports commands";
  }
  if (target.kind === "domain" && source.kind === "tool") return "a tool imports no domain";
  if (target.kind === "domain" && source.kind === "domain" && !mayUse(source.name, target.name)) {
    return "a domain imports no other domain but config";
  }
  return undefined;
}

/** `config` loads its own `config-validate`, as bin loads `config`. */
function isSubcommand(path: string, parent: string): boolean {
  return path.startsWith(`${parent.replace(/\.ts$/, "")}-`);
}

function mayUse(from: string, to: string): boolean {
  return from === to || to === "config";
}

function isBuildOrEntry(path: string): boolean {
  return isBuild(path) || BUILD_ENTRIES.includes(path);
}

function isBuild(path: string): boolean {
  return path.startsWith("lib/build/") || BUILD_DOMAINS.some((name) => path.startsWith(`lib/${name}/`));
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

  test("name a folder of lib that is known as domain or tool", () => {
    const known = [...TOOL_FOLDERS, ...PRODUCT_DOMAINS, ...BUILD_DOMAINS];
    const unknown = product.filter(({ path }) => {
      const [top, folder = "", file] = path.split("/");
      return top === "lib" && file !== undefined && !known.includes(folder);
    });
    expect(unknown.map(({ path }) => path)).toEqual([]);
  });

  test.each(Object.entries(GATES))("of %s are in its one module", (name, gates) => {
    const users = product.filter(({ imports }) =>
      imports.some(({ specifier }) => specifier === name || specifier.startsWith(`${name}/`)),
    );
    const others = users.map(({ path }) => path).filter((path) => !gates.includes(path));
    expect(others.filter((path) => !(name === "zx" && isBuildOrEntry(path)))).toEqual([]);
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
    ["lib/http.ts", "lib/config/schema.ts", "a tool imports no domain"],
    ["lib/disk/mount.ts", "lib/boot/mode.ts", "a tool imports no domain"],
    ["lib/boot/mode.ts", "lib/install/plan.ts", "a domain imports no other domain but config"],
    ["commands/init.ts", "commands/install.ts", "only bin imports commands"],
    ["lib/boot/mode.ts", "commands/init.ts", "only bin imports commands"],
    ["commands/install.ts", "lib/image/iso.ts", "the product does not import what builds it"],
    ["lib/host.ts", "bin/commands.ts", "nothing imports bin"],
    ["lib/host.ts", "test/support/qemu.ts", "only tests import test code"],
  ])("refuses %s importing %s", (from, to, why) => {
    expect(objection(from, to)).toBe(why);
  });

  test.each([
    ["bin/commands.ts", "commands/init.ts"],
    ["commands/init.ts", "lib/boot/mode.ts"],
    ["lib/install/plan.ts", "lib/config/schema.ts"],
    ["lib/install/plan.ts", "lib/disk/mount.ts"],
    ["lib/image/iso.ts", "lib/build/context.ts"],
    ["bin/build.ts", "lib/image/iso.ts"],
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
