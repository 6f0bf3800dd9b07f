import { type Command, type CommandTable, defineCommand } from "../lib/tools/cli/cli.ts";
import { VERSION } from "../lib/tools/host/version.ts";
import { EXIT, UsageError } from "../lib/tools/text/errors.ts";

/** `k3os man [COMMAND [SUBCOMMAND]]`, for the commands of a table. */
export function man(table: CommandTable): Command {
  return defineCommand({
    usage: "[COMMAND [SUBCOMMAND]]",
    description: `
On a terminal, prints the page as text; k3OS itself has no man(1). Else prints
it in roff, which man(1) of other systems shows:

  k3os man upgrade | man -l -

--help of a command says the same in short.`,
    options: {},
    maxPositionals: 2,
    choices: Object.entries(table).flatMap(([name, { hidden }]) => (hidden ? [] : [name])),
    run: async ({ positionals }, host) => {
      const { manPages } = await import("../lib/tools/cli/man-page.ts");
      const { timeStamp } = await import("../lib/tools/host/time-stamp.ts");
      const { plainPage, roffPage } = await import("../lib/tools/cli/man-format.ts");
      const { isatty } = await import("node:tty");
      const { STDOUT } = await import("../lib/tools/host/output.ts");
      const name = ["k3os", ...positionals].join("-");
      const page = (await manPages(table)).find((found) => found.name === name);
      if (page === undefined) throw new UsageError(`There is no page "${name}"`);
      const date = timeStamp(host).slice(0, 10);
      host.print(isatty(STDOUT) ? plainPage(page) : roffPage(page, { version: VERSION, date }));
      return EXIT.done;
    },
  });
}
