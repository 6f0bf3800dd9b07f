import { describe, expect, test } from "bun:test";
import { restartByForce, shutDown } from "../../../../lib/tools/host/power.ts";
import { testHost } from "../../../support/host.ts";
import { readSources } from "../../../support/sources.ts";

describe("shutDown()", () => {
  test.each([
    ["restart", {}, "reboot"],
    ["power-off", {}, "poweroff"],
    ["restart", { outside: true }, "nsenter -m -u -i -n -p -t 1 reboot"],
  ] as const)("to %s with %j runs %s", async (how, options, line) => {
    using host = testHost();
    await shutDown(how, host, options);
    expect(host.programs.map(({ argv }) => argv.join(" "))).toEqual([line]);
  });

  test("is the only way down but for process 1", () => {
    const others = readSources(["commands", "lib"]).filter(({ path, text }) => {
      const program = /(run\(\[|cmd`)[^\]`]*\b(reboot|poweroff|halt|shutdown)\b/;
      return !path.startsWith("lib/make/") && program.test(text);
    });
    expect(others.map(({ path }) => path)).toEqual(["lib/tools/host/power.ts"]);
  });
});

describe("restartByForce()", () => {
  test("tries harsher ways until one takes effect, whatever each ends with", async () => {
    using host = testHost({ answer: () => ({ code: 1, stderr: "no service manager" }) });
    const begun = host.clock.monotonic();
    await restartByForce(host);
    expect(host.programs.map(({ argv }) => argv.join(" "))).toEqual([
      "systemctl reboot",
      "systemctl reboot --force",
      "reboot --force --force",
    ]);
    expect(host.clock.monotonic() - begun).toBeGreaterThanOrEqual(180_000);
    expect(host.logged.length).toBe(3);
  });
});
