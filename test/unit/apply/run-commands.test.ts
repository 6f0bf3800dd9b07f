import { describe, expect, test } from "bun:test";
import { commands } from "../../../lib/apply/run-commands.ts";
import { testHost } from "../../support/host.ts";
import { outcome } from "../../support/outcome.ts";

describe("commands", () => {
  test("run as the user wrote them, in order", async () => {
    using host = testHost();
    await commands("bootCmd").apply({ bootCmd: ["echo 'a $b'", "x | y"], runCmd: ["other"] }, host);
    expect(host.lines).toEqual(["echo 'a $b'", "x | y"]);
    expect(host.logged).toContain("Running boot_cmd[0]");
  });

  test("are named by their place, since others read what is told of them", async () => {
    using host = testHost({ shell: async () => 1 });
    const message = await outcome(commands("runCmd"), { runCmd: ["login --password geheim"] }, host);
    expect([message, ...host.logged].filter((line) => line.includes("geheim"))).toEqual([
      expect.stringMatching(/^debug: run_cmd\[0\]: /),
    ]);
  });

  test("see the configured environment", async () => {
    let seen: unknown;
    using host = testHost({
      shell: async (_, options) => {
        seen = options?.env;
        return 0;
      },
    });
    await commands("runCmd").apply({ runCmd: ["x"], k3os: { environment: { A: "b" } } }, host);
    expect(seen).toEqual({ A: "b" });
  });

  test("go on after one that failed, and name it", async () => {
    using host = testHost({ shell: async (line) => (line === "false" ? 3 : 0) });
    const message = await outcome(commands("runCmd"), { runCmd: ["false", "true"] }, host);
    expect(message).toContain("run_cmd[0]: The command failed (exit status 3)");
    expect(host.lines).toEqual(["false", "true"]);
  });
});
