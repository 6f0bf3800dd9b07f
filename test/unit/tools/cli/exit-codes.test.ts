import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { COMMANDS } from "../../../../bin/commands.ts";
import type { Command } from "../../../../lib/tools/cli/cli.ts";
import { dispatch } from "../../../../lib/tools/cli/dispatch.ts";
import { exitCodes, exitCodesPage } from "../../../../lib/tools/cli/exit-codes.ts";
import { commandHelp } from "../../../../lib/tools/cli/help.ts";
import { CommandError, Interrupted, UsageError } from "../../../../lib/tools/text/errors.ts";
import { testHost } from "../../../support/host.ts";
import { PROJECT } from "../../../support/sources.ts";

test("docs/exit-codes.md is as `npm run docs` writes it", async () => {
  expect(readFileSync(join(PROJECT, "docs/exit-codes.md"), "utf8")).toBe(await exitCodesPage(COMMANDS));
});

describe("exitCodes()", () => {
  const ends: readonly (readonly [string, Command["run"]])[] = [
    ["done", async () => 0],
    ["failed", async () => 1],
    ["failed", () => Promise.reject(new CommandError("broken"))],
    ["usage error", () => Promise.reject(new UsageError("what?"))],
    ["interrupted", () => Promise.reject(new Interrupted("no"))],
  ];

  test.each(ends)("says %s of the status that dispatch() ends with", async (meaning, run) => {
    const command: Command = { options: {}, run };
    const table = { act: { summary: "Act", load: async () => command } };
    using host = testHost();
    const call = { argv0: "k3os", argv: ["act"], env: {}, uid: 0, createHost: async () => host };
    const status = await dispatch(table, call);
    expect(exitCodes(command).find(([, text]) => text.startsWith(meaning))?.[0]).toBe(String(status));
  });

  test("gives a command's own meanings, which its help shows too", () => {
    const command = {
      options: {},
      exits: { failed: "not healthy", other: "the shell's" },
      run: async () => 0,
    };
    const own = exitCodes(command).filter(([, text]) => /healthy|shell/.test(text));
    expect(own).toEqual([
      ["1", "not healthy"],
      ["other", "the shell's"],
    ]);
    expect(commandHelp("k3os act", "Act", command)).toContain(
      "Exit status:\n  1      not healthy\n  other  the shell's\n",
    );
  });
});
