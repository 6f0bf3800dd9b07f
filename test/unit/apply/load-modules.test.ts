import { describe, expect, test } from "bun:test";
import { modprobeArgv, modules } from "../../../lib/apply/load-modules.ts";
import { testHost } from "../../support/host.ts";
import { outcome } from "../../support/outcome.ts";

describe("modules", () => {
  test("loads each with its parameters", async () => {
    using host = testHost();
    await modules.apply({ k3os: { modules: ["kvm", "bonding mode=active-backup  miimon=100"] } }, host);
    expect(host.programs.map(({ argv }) => argv)).toEqual([
      ["modprobe", "--", "kvm"],
      ["modprobe", "--", "bonding", "mode=active-backup", "miimon=100"],
    ]);
  });

  test("leaves alone what is loaded, under either spelling", async () => {
    using host = testHost({
      files: { "/proc/modules": "br_netfilter 28672 0 - Live 0x0\nnbd 1 0 - Live 0x0\n" },
    });
    await modules.apply(
      { k3os: { modules: ["br-netfilter", "br_netfilter", "nbd nbds_max=4", "nb"] } },
      host,
    );
    expect(host.programs.map(({ argv }) => argv[2])).toEqual(["nb"]);
  });

  test("goes on after one that fails, and names it", async () => {
    using host = testHost({
      answer: (argv) => (argv[2] === "bad" ? { code: 1, stderr: "Module bad not found" } : {}),
    });
    const message = await outcome(modules, { k3os: { modules: ["bad", "good"] } }, host);
    expect(message).toContain("k3os.modules[0]: modprobe: Module bad not found");
    expect(host.programs).toHaveLength(2);
  });
});

test.each(["-r", "--remove nbd", "", " ", "../x", "a;b", "a\nb"])("modprobeArgv(%p) is refused", (entry) => {
  expect(() => modprobeArgv(entry)).toThrow();
});
