import { describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { password } from "../../../lib/apply/password.ts";
import { testHost } from "../../support/host.ts";
import { outcome } from "../../support/outcome.ts";

/** A chpasswd that makes another hash each time, as the real one does. */
function hostWithShadow(field: string) {
  let calls = 0;
  const host = testHost({
    files: { "/etc/shadow": shadow(field) },
    answer: (_, { input }) => {
      const value = String(input).trim().split(":")[1] ?? "";
      writeFileSync(`${host.root}/etc/shadow`, shadow(value.startsWith("$") ? value : `$y$hash${calls++}`));
      return {};
    },
  });
  return host;
}

function shadow(field: string): string {
  return `root:*:1:0:99999:7:::\nrancher2:x:1::::::\nrancher:${field}:1:0:99999:7:::\n`;
}

describe("password", () => {
  test("goes to chpasswd by standard input only", async () => {
    using host = hostWithShadow("*");
    await password.apply({ k3os: { password: "hunter2:x" } }, host);
    expect(host.programs).toEqual([
      { argv: ["chpasswd", "--root", host.root], input: "rancher:hunter2:x\n" },
    ]);
    expect(host.logged.join()).not.toContain("hunter2");
  });

  test("is taken as a hash if it begins with $", async () => {
    using host = hostWithShadow("*");
    await password.apply({ k3os: { password: "$6$salt$hash" } }, host);
    expect(host.programs[0]?.argv.slice(0, 2)).toEqual(["chpasswd", "-e"]);
  });

  test.each(["clear", "$6$salt$hash"])("is not set again: %s", async (value) => {
    using host = hostWithShadow("*");
    await password.apply({ k3os: { password: value } }, host);
    await password.apply({ k3os: { password: value } }, host);
    expect(host.programs).toHaveLength(1);
  });

  test("is set again when someone changed it, or the configuration did", async () => {
    using host = hostWithShadow("*");
    await password.apply({ k3os: { password: "one" } }, host);
    await password.apply({ k3os: { password: "two" } }, host);
    expect(host.programs).toHaveLength(2);
    writeFileSync(`${host.root}/etc/shadow`, shadow(""));
    await password.apply({ k3os: { password: "two" } }, host);
    expect(host.programs).toHaveLength(3);
  });

  test("refuses a line break, which would set another user's password", async () => {
    using host = hostWithShadow("*");
    const message = await outcome(password, { k3os: { password: "secret\nroot:secret" } }, host);
    expect(message).toContain("k3os.password: Found a line break: expected a single line of text");
    expect(host.programs).toHaveLength(0);
  });
});
