import { describe, expect, test } from "bun:test";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Step, StepContext } from "../../../../lib/make/build/build-step.ts";
import { runStep } from "../../../../lib/make/build/run-step.ts";
import type { RunOptions } from "../../../../lib/tools/host/host.ts";
import { messageOf } from "../../../../lib/tools/text/errors.ts";
import { type TestHost, testHost } from "../../../support/host.ts";
import { PROJECT } from "../../../support/sources.ts";

const VERSIONS = { pigz: "2.6", coreutils: "9.1" };

/** A host on which these packages are installed. */
function hostWith(
  versions: Readonly<Record<string, string>> = VERSIONS,
  env: TestHost["env"] = {},
): TestHost {
  const answer = (argv: readonly string[], _: RunOptions) => {
    if (argv[0] !== "dpkg-query") return {};
    const status = argv.includes("--showformat") && argv.some((word) => word.includes("Architecture"));
    const lines = Object.entries(versions).map(([name, version]) =>
      status ? [name, "amd64", "installed", version, "", "", ""].join("\t") : `${name} installed`,
    );
    return { stdout: `${lines.join("\n")}\n` };
  };
  return testHost({ env, answer });
}

/** The project itself, with caches below the host's root. */
function environmentOf(host: TestHost, clone = "clone") {
  const [cache, sharedCache] = [join(host.root, clone), join(host.root, "shared")];
  for (const directory of [cache, sharedCache]) mkdirSync(directory, { recursive: true });
  return { host, project: PROJECT, cache, sharedCache };
}

/** A step that counts how often it is done. */
function countingStep(more: Partial<Step<string>> = {}) {
  const made: string[] = [];
  const step: Step<string> = {
    module: join(PROJECT, "lib/tools/fs/walk.ts"),
    make: async (input, into) => {
      made.push(input);
      writeFileSync(join(into, "result"), input);
    },
    ...more,
  };
  return { step, made };
}

describe("runStep()", () => {
  test("does a step once, and again for another input", async () => {
    using host = hostWith();
    const { step, made } = countingStep();
    for (const input of ["one", "one", "two", "two"]) {
      const { path } = await runStep(step, { name: "count", input }, environmentOf(host));
      expect(readFileSync(join(path, "result"), "utf8")).toBe(input);
    }
    expect(made).toEqual(["one", "two"]);
    expect(readdirSync(environmentOf(host).cache).filter((entry) => entry.includes("@"))).toHaveLength(1);
  });

  test("gives another digest for another content only", async () => {
    using host = hostWith();
    const same = countingStep({ make: async (_, into) => writeFileSync(join(into, "result"), "same") }).step;
    const digests = [];
    for (const input of ["one", "two"])
      digests.push((await runStep(same, { name: "same", input }, environmentOf(host))).digest);
    expect(digests[1]).toBe(digests[0] ?? "");
  });

  test("shares what takes long between clones, and keeps the rest apart", async () => {
    using host = hostWith();
    const long = countingStep({ shared: true });
    const short = countingStep();
    for (const clone of ["here", "there"]) {
      await runStep(long.step, { name: "long", input: "x" }, environmentOf(host, clone));
      await runStep(short.step, { name: "short", input: "x" }, environmentOf(host, clone));
    }
    expect(long.made).toHaveLength(1);
    expect(short.made).toHaveLength(2);
  });

  test("keeps nothing of a step that failed", async () => {
    using host = hostWith();
    const { step } = countingStep({
      make: async (_, into) => {
        writeFileSync(join(into, "half"), "");
        throw new Error("no space");
      },
    });
    await expect(runStep(step, { name: "fails", input: "x" }, environmentOf(host))).rejects.toThrow(
      "no space",
    );
    expect(readdirSync(environmentOf(host).cache)).toEqual([]);
  });

  test("fails where the inputs of a step cannot be determined", async () => {
    using host = hostWith();
    const cases: [Partial<Step<unknown>>, unknown, string][] = [
      [{ module: join(PROJECT, "lib/make/image/gone.ts") }, "x", '"lib/make/image/gone.ts"'],
      [{ files: ["overlay/gone"] }, "x", '"overlay/gone"'],
      [{ bundles: ["bin/gone.ts"] }, "x", '"bin/gone.ts"'],
      [{}, { text: () => "x" }, '"text"'],
      [{}, { list: new Map([["a", 1]]) }, '"list"'],
      [{}, { file: join(PROJECT, "package.json") }, "is a path"],
    ];
    for (const [more, input, message] of cases) {
      const step = { ...countingStep().step, ...more } as Step<unknown>;
      const failure = await runStep(step, { name: "unknown", input }, environmentOf(host)).catch(messageOf);
      expect(failure).toContain(`Determining the inputs of unknown: `);
      expect(failure).toContain(message);
    }
  });

  test.each<[string, (context: StepContext) => unknown, string]>([
    ["a file", ({ source }) => source("overlay/etc/motd"), 'reads "overlay/etc/motd"'],
    ["a file beside a declared one", ({ source }) => source("docs/../overlay/etc/motd"), "does not declare"],
    ["a program", ({ host }) => host.run(["xz", "--version"]), 'runs "xz"'],
  ])("refuses to give %s that is not declared", async (_, use, message) => {
    using host = hostWith();
    const { step } = countingStep({
      files: ["docs"],
      packages: () => ["pigz"],
      make: async (__, ___, context) => void (await use(context)),
    });
    await expect(runStep(step, { name: "reads", input: "x" }, environmentOf(host))).rejects.toThrow(message);
  });

  test("gives what is declared, and of the environment nothing else but the proxies", async () => {
    using host = hostWith(VERSIONS, {
      K3OS_DEBIAN_MIRROR: "http://m",
      HOME: "/root",
      https_proxy: "http://p",
    });
    let seen: unknown;
    const { step } = countingStep({
      files: ["overlay"],
      packages: () => ["pigz"],
      variables: ["K3OS_DEBIAN_MIRROR"],
      make: async (_, __, context) => {
        await context.host.run(["pigz", "x"]);
        seen = [context.source("overlay/etc/motd"), context.host.env];
      },
    });
    await runStep(step, { name: "declares", input: "x" }, environmentOf(host));
    const env = { K3OS_DEBIAN_MIRROR: "http://m", https_proxy: "http://p" };
    expect(seen).toEqual([join(PROJECT, "overlay/etc/motd"), env]);
  });

  test("does a step again for another version of a tool", async () => {
    using host = hostWith();
    using newer = hostWith({ ...VERSIONS, pigz: "2.7" });
    const { step, made } = countingStep({ packages: () => ["pigz"] });
    const environment = environmentOf(host);
    await runStep(step, { name: "tool", input: "x" }, environment);
    await runStep(step, { name: "tool", input: "x" }, { ...environment, host: newer });
    expect(made).toHaveLength(2);
  });
});
