import { expect, test } from "bun:test";
import { defineCommand } from "../../../../lib/tools/cli/cli.ts";
import { commandHelp, usageHint } from "../../../../lib/tools/cli/help.ts";

const command = defineCommand({ usage: "DISK", description: "Long.", options: {}, run: async () => 0 });

test("after a wrong call, two lines say how to call a command, so that the error stays on the screen", () => {
  const hint = usageHint("k3os act", command);
  expect(hint).toBe('Usage: k3os act [OPTION...] DISK\nRun "k3os act --help" for details.\n');
  expect(commandHelp("k3os act", "Act", command)).toStartWith(
    "Usage: k3os act [OPTION...] DISK\n\nAct.\n\nLong.\n",
  );
});
