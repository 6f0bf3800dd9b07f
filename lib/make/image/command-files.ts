import type { CommandTable } from "../../tools/cli/cli.ts";
import { loadCommands } from "../../tools/cli/command-tree.ts";
import { completionScript } from "../../tools/cli/completion/shells.ts";
import { roffPage } from "../../tools/cli/man-format.ts";
import { manPages } from "../../tools/cli/man-page.ts";
import type { BuildContext } from "../build/context.ts";

/** Files and links of the image by their path below /usr: the text, or the link's target. */
export interface CommandFiles {
  readonly files: Readonly<Record<string, string>>;
  readonly links: Readonly<Record<string, string>>;
}

/**
 * The files of the commands besides the executable: the manual, and completion for shells, also for shells outside of
 * the image. A shell and man(1) look for a file with the name of the command.
 */
export async function commandFiles(
  table: CommandTable,
  { version, sourceDateEpoch }: Pick<BuildContext, "version" | "sourceDateEpoch">,
): Promise<CommandFiles> {
  const date = new Date(sourceDateEpoch * 1000).toISOString().slice(0, 10);
  const pages = await manPages(table);
  const manual = pages.map((page) => [manFile(page.name), roffPage(page, { version, date })]);
  const shown = (await loadCommands(table)).filter(({ row }) => !row.hidden);
  const linked = shown.flatMap(({ words, row: { links = [] } }) => {
    return links.flatMap((link) => [
      [bashFile(link), "k3os"],
      [fishFile(link), "k3os.fish"],
      [manFile(link), `${["k3os", ...words].join("-")}.1`],
    ]);
  });
  const files = {
    [bashFile("k3os")]: await completionScript("bash", table),
    "share/zsh/vendor-completions/_k3os": await completionScript("zsh", table),
    [fishFile("k3os")]: await completionScript("fish", table),
    ...Object.fromEntries(manual),
  };
  const links = linked.filter(([path = ""]) => files[path] === undefined);
  return { files, links: Object.fromEntries(links) };
}

function bashFile(name: string): string {
  return `share/bash-completion/completions/${name}`;
}

function fishFile(name: string): string {
  return `share/fish/vendor_completions.d/${name}.fish`;
}

function manFile(name: string): string {
  return `share/man/man1/${name}.1`;
}
