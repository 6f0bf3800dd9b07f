import { type Command, type CommandTable, defineCommand } from "../lib/cli.ts";
import { EXIT, UsageError } from "../lib/errors.ts";
import { VERSION } from "../lib/version.ts";

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
      const { manPages } = await import("../lib/man-page.ts");
      const { timeStamp } = await import("../lib/time-stamp.ts");
      const { plainPage, roffPage } = await import("../lib/man-format.ts");
      const { isatty } = await import("node:tty");
      const { STDOUT } = await import("../lib/output.ts");
      const name = ["k3os", ...positionals].join("-");
      const page = (await manPages(table)).find((found) => found.name === name);
      if (page === undefined) throw new UsageError(`There is no page "${name}"`);
      const date = timeStamp(host).slice(0, 10);
      host.print(isatty(STDOUT) ? plainPage(page) : roffPage(page, { version: VERSION, date }));
      return EXIT.done;
    },
  });
}
