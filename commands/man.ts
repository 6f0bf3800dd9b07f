import { type Command, type CommandTable, defineCommand } from "../lib/tools/cli/cli.ts";
import { VERSION } from "../lib/tools/host/version.ts";
import { EXIT, UsageError } from "../lib/tools/text/errors.ts";

/** `k3os man [COMMAND [SUBCOMMAND]]`, for the commands of a table. */
export function man(table: CommandTable): Command {
  return defineCommand({
    usage: "[COMMAND [SUBCOMMAND]]",
    description: `
On a terminal, prints the page as text; k3OS has no man(1). Otherwise prints
roff for man(1) on other systems:

  k3os man upgrade | man -l -

"k3os COMMAND --help" prints a summary.`,
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
      if (page === undefined) throw new UsageError(`Unknown page "${name}"`);
      const date = timeStamp(host).slice(0, 10);
      host.print(isatty(STDOUT) ? plainPage(page) : roffPage(page, { version: VERSION, date }));
      return EXIT.done;
    },
  });
}
