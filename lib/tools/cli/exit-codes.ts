import { EXIT } from "../text/errors.ts";
import type { Command, CommandTable } from "./cli.ts";
import { loadCommands } from "./command-tree.ts";

/** What each status means where the command says nothing else. */
const MEANINGS: Readonly<Record<keyof typeof EXIT, string>> = {
  done: "done",
  failed: "failed; standard error says why",
  usage: "wrong usage: an unknown command or option, a missing or an unexpected argument",
  interrupted: "interrupted: by Ctrl-C, or by an answer that means stop",
};

/** The statuses that a command can end with, and what each means for it. */
export function exitCodes({ exits = {} }: Pick<Command, "exits">): readonly (readonly [string, string])[] {
  const names = Object.keys(EXIT) as (keyof typeof EXIT)[];
  const rows = names.map((name) => {
    const own = name === "done" || name === "failed" ? exits[name] : undefined;
    return [String(EXIT[name]), own ?? MEANINGS[name]] as const;
  });
  return exits.other === undefined ? rows : [...rows, ["other", exits.other]];
}

/** The page docs/exit-codes.md. */
export async function exitCodesPage(table: CommandTable): Promise<string> {
  const commands = (await loadCommands(table)).filter(({ row }) => !row.hidden);
  const own = commands.flatMap(({ words, command: { exits } }) => {
    if (exits === undefined) return [];
    const cells = [`\`${words.join(" ")}\``, exits.done ?? "", exits.failed ?? "", exits.other ?? ""];
    return [`| ${cells.join(" | ")} |`];
  });
  return `# Exit codes

Written by \`npm run docs\` from what the commands declare; \`--help\` and the manual pages say the same.

| status | meaning |
|---|---|
${exitCodes({})
  .map(([status, meaning]) => `| ${status} | ${meaning} |`)
  .join("\n")}

Where a command means something more special by 0 or 1, or has a status of its own:

| command | ${EXIT.done} | ${EXIT.failed} | other |
|---|---|---|---|
${own.join("\n")}
`;
}
