import { expect, test } from "bun:test";
import { defineCommand } from "../../../../lib/tools/cli/cli.ts";
import { commandHelp, usageHint } from "../../../../lib/tools/cli/help.ts";

const command = defineCommand({ usage: "DISK", description: "Long.", options: {}, run: async () => 0 });

test("after a wrong call, one line leads to the help, which begins with how to call the command", () => {
  expect(usageHint("k3os act")).toBe('Run "k3os act --help" for details.\n');
  expect(commandHelp("k3os act", "Act", command)).toStartWith(
    "Usage: k3os act [OPTION...] DISK\n\nAct.\n\nLong.\n",
  );
});
