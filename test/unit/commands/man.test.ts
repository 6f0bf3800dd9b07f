import { describe, expect, test } from "bun:test";
import { COMMANDS } from "../../../bin/commands.ts";
import { man } from "../../../commands/man.ts";
import { defineCommand, parseCommandLine } from "../../../lib/tools/cli/cli.ts";
import { plainPage, roffPage } from "../../../lib/tools/cli/man-format.ts";
import { manPages } from "../../../lib/tools/cli/man-page.ts";
import { testHost } from "../../support/host.ts";

const ABOUT = { version: "v1.2.3", date: "2026-01-02" };

const [, page] = await manPages({
  act: {
    summary: "Do something",
    links: ["k3os-act"],
    load: async () =>
      defineCommand({
        usage: "FILE",
        description: `
It reads FILE
with care:

  k3os act 'a\\b'
  .k3os

.hidden things stay.`,
        options: { level: { type: "string", short: "l", value: "N", help: "how much", env: "K3OS_LEVEL" } },
        exits: { failed: "it did not" },
        run: async () => 0,
      }),
  },
});

describe("a manual page", () => {
  test("has what the command declares", () => {
    const text = plainPage(page ?? { name: "", sections: [] });
    expect(text.split("\n").slice(0, 20)).toEqual([
      "NAME",
      "       k3os-act - Do something",
      "",
      "SYNOPSIS",
      "       k3os act [OPTION...] FILE",
      "       k3os-act [OPTION...] FILE",
      "",
      "DESCRIPTION",
      "       It reads FILE with care:",
      "",
      "           k3os act 'a\\b'",
      "           .k3os",
      "",
      "       .hidden things stay.",
      "",
      "OPTIONS",
      "       -l, --level N",
      "              how much",
      "",
      "       --debug",
    ]);
    expect(text).toContain("K3OS_LEVEL\n              The same as --level, where that is not given.\n");
    expect(text).toContain("       1\n              it did not\n");
  });

  test("in roff takes no text for a request or an escape", () => {
    const text = roffPage(page ?? { name: "", sections: [] }, ABOUT);
    expect(text).toStartWith('.TH "K3OS-ACT" "1" "2026-01-02" "k3OS v1.2.3" "k3OS"\n.SH NAME\n');
    expect(text).toContain("\nk3os act \\(aqa\\eb\\(aq\n\\&.k3os\n");
    expect(text).toContain("\n\\&.hidden things stay.\n");
    expect(text).toContain("\n\\fB\\-l, \\-\\-level\\fR \\fIN\\fR\n");
  });
});

describe("manPages()", () => {
  test("are one of the program and one of each command, which lead to one another", async () => {
    const pages = await manPages(COMMANDS);
    const names = pages.map(({ name }) => name);
    expect(names).toContain("k3os-config-validate");
    expect(names).not.toContain("k3os-init");
    const texts = pages.map((one) => plainPage(one));
    const named = texts.flatMap((text) =>
      [...text.matchAll(/\b(k3os[\w-]*)\(1\)/g)].map(([, name = ""]) => name),
    );
    expect([...new Set(named)].sort()).toEqual(names.toSorted());
  });
});

test("k3os man COMMAND prints roff where nobody reads it on a terminal, and knows no other page", async () => {
  using host = testHost();
  const command = man(COMMANDS);
  await command.run(parseCommandLine(command, ["config", "explain"], {}), host);
  expect(host.printed.join("")).toContain("\nk3os\\-config\\-explain \\- Show which source set a value\n");
  expect(command.run(parseCommandLine(command, ["init"], {}), host)).rejects.toThrow(
    'Unknown page "k3os-init"',
  );
});
