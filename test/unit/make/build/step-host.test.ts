import { describe, expect, test } from "bun:test";
import type { Step } from "../../../../lib/make/build/build-step.ts";
import { stepHost } from "../../../../lib/make/build/step-host.ts";
import { testHost } from "../../../support/host.ts";

function stepWith(more: Partial<Step<string>>): Step<string> {
  return { module: import.meta.filename, make: async () => undefined, ...more };
}

describe("stepHost()", () => {
  test("runs the programs of the packages that the step declares for its input, by name or path", async () => {
    using host = testHost();
    const step = stepWith({ packages: (name) => [name, `g++-arm-linux-gnueabihf`], programs: ["npm"] });
    const { run } = stepHost(step, "kmod", host);
    const called = ["depmod", "/usr/sbin/modinfo", "npm", "arm-linux-gnueabihf-gcc", process.execPath];
    for (const program of called) await run([program, "x"]);
    expect(host.programs.map(({ argv }) => argv[0] ?? "")).toEqual(called);
  });

  test.each(["xz", "sh", "gcc", ""])("refuses %p, which none of them has", async (program) => {
    using host = testHost();
    const { run } = stepHost(stepWith({ packages: () => ["kmod"] }), "x", host);
    await expect(run([program])).rejects.toThrow(`runs "${program}"`);
    expect(host.programs).toEqual([]);
  });

  test("has the variables that the step declares, and the proxies, which count for nothing", () => {
    const env = { K3OS_DEBIAN_MIRROR: "m", HTTPS_PROXY: "p", no_proxy: "n", LANG: "de_DE" };
    using host = testHost({ env });
    const seen = stepHost(stepWith({ variables: ["K3OS_DEBIAN_MIRROR"] }), "x", host).env;
    expect(seen).toEqual({ K3OS_DEBIAN_MIRROR: "m", HTTPS_PROXY: "p", no_proxy: "n" });
  });
});
