import { describe, expect, test } from "bun:test";
import { doctor } from "../../../commands/doctor.ts";
import { CHECKS, describeFindings } from "../../../lib/inspect/doctor-checks.ts";
import { parseCommandLine } from "../../../lib/tools/cli/cli.ts";
import { runAs } from "../../../lib/tools/cli/dispatch.ts";
import { k3osNode } from "../../support/k3os-node.ts";

describe("k3os doctor", () => {
  /** A server that is nowhere, so that no test asks the Internet. */
  const nowhere = { "/var/lib/rancher/k3os/config.yaml": "k3os: {server_url: https://127.0.0.1:1}\n" };

  test("prints what fails with what to do, in lines of at most 80 columns, and ends with 1", async () => {
    using host = k3osNode({ files: { ...nowhere, "/k3os/system/config.yaml": "hostname: [\n" } });
    expect(await doctor.run(parseCommandLine(doctor, [], {}), host)).toBe(1);
    const text = host.printed.join("");
    expect(text).toContain("FAILURE  configuration: /k3os/system/config.yaml:2:1: ");
    expect(text).toContain("         Hint: k3os config validate");
    expect(text).toMatch(/\nFailures: \d+, warnings: \d+\n$/);
    expect(text.split("\n").filter((line) => line.length > 80)).toEqual([]);
  });

  test("with --json prints every check", async () => {
    using host = k3osNode({ files: nowhere });
    await runAs(0, doctor, parseCommandLine(doctor, ["--json"], {}), host);
    const findings = JSON.parse(host.printed.join("")) as { check: string }[];
    expect(findings.map(({ check }) => check)).toEqual(CHECKS.map(({ name }) => name));
  });

  test("tells of what it left out together", () => {
    const skipped = (check: string) => ({ check, state: "skipped", message: "this is not k3OS" }) as const;
    expect(describeFindings([skipped("a"), { check: "b", state: "ok", message: "fine" }, skipped("c")])).toBe(
      "ok       b: fine\n-        a, c (this is not k3OS)\n\nFailures: 0, warnings: 0\n",
    );
  });
});
