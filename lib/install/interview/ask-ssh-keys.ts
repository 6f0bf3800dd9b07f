import { textProblem } from "../../config/schema/scalars.ts";
import { SCHEMA } from "../../config/schema/schema.ts";
import { maskUrl } from "../../tools/http/http.ts";
import { fetchKeys } from "../../tools/node/fetch-ssh-keys.ts";
import { isKey, keySource } from "../../tools/node/ssh-key.ts";
import { messageOf } from "../../tools/text/errors.ts";
import { hasLogin, isComposed, type Step, type StepHost } from "./step.ts";

/** Short limits: the user waits at the prompt. */
const LIMITS = { timeout: 5_000, deadline: 10_000, retries: 1, maxBytes: 1 << 20 };

/**
 * Accounts whose keys may log in. Their keys are downloaded and counted. For an account that is unreachable, or has no
 * keys yet, the user confirms with a second Enter.
 */
export const sshKeys: Step = {
  skip: (known) => !isComposed(known) || hasLogin(known.config),
  ask: async ({ config }, asker, host) => {
    if (!(await asker.confirm("Authorize GitHub users to SSH?"))) return {};
    let refused: string | undefined;
    let counted: readonly string[] = [];
    const answer = await asker.text("GitHub users (gitlab:USER, URL), with commas between", async (text) => {
      const problem = entriesProblem(text);
      if (problem !== undefined) return problem;
      const keys = await countKeys(keyEntries(text), host);
      counted = keys.map(({ line }) => line);
      const failed = keys.some(({ count }) => count === 0);
      if (!failed || refused === text) return undefined;
      refused = text;
      return [...counted, "Correct it, or press Enter again to keep it anyway."].join("\n");
    });
    await asker.show(`${counted.map((line) => `  ${line}`).join("\n")}\n`);
    return { config: { ...config, sshAuthorizedKeys: keyEntries(answer) } };
  },
};

/** The entries of `ssh_authorized_keys` in an answer. A plain name is a GitHub user. */
export function keyEntries(answer: string): string[] {
  // a key's options may contain commas
  const parts = isKey(answer.trim()) ? [answer] : answer.split(",");
  const names = parts.map((part) => part.trim()).filter((part) => part !== "");
  return names.map((name) => (/^[\w.+-]+$/.test(name) ? `github:${name}` : name));
}

/** The syntax error of an answer. */
export function entriesProblem(answer: string): string | undefined {
  const entries = keyEntries(answer);
  if (entries.length === 0) return "Expected a user";
  for (const entry of entries) {
    const problem = textProblem(SCHEMA.fields.sshAuthorizedKeys.item, entry);
    if (problem !== undefined) return `${maskUrl(entry)}: ${problem}`;
  }
  return undefined;
}

interface Counted {
  readonly count: number;
  /** The line for the user. */
  readonly line: string;
}

async function countKeys(entries: readonly string[], host: Pick<StepHost, "log" | "clock" | "env">) {
  return await Promise.all(
    entries.map(async (entry): Promise<Counted> => {
      const source = keySource(entry);
      if (source.kind === "literal") return counted("what was typed", source.lines.length);
      const name = maskUrl(source.name);
      try {
        return counted(name, (await fetchKeys({ name, url: source.url }, LIMITS, host)).keys.length);
      } catch (error) {
        const message = messageOf(error);
        return { count: 0, line: message.includes(name) ? message : `${name}: ${message}` };
      }
    }),
  );
}

function counted(name: string, count: number): Counted {
  return { count, line: `${count} ${count === 1 ? "key" : "keys"} of ${name}` };
}
