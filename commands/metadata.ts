import type { Answer } from "../lib/datasource/ask.ts";
import { type Arguments, defineCommand } from "../lib/tools/cli/cli.ts";
import type { Host } from "../lib/tools/host/host.ts";
import { EXIT, messageOf, UsageError } from "../lib/tools/text/errors.ts";

const OPTIONS = {
  timeout: { type: "string", value: "SECONDS", help: "timeout for all sources (default: 60)" },
  cached: { type: "boolean", help: "use the last answer if no source answers now" },
  explain: { type: "boolean", help: "show what was detected and queried; write nothing" },
} as const;

/** `k3os metadata [SOURCE…]`: asks data sources for this machine's configuration. */
export const metadata = defineCommand({
  usage: "[SOURCE...]",
  description: `
Queries each SOURCE and writes the answer to /run/config, where the
configuration reads host name, SSH keys and user data. The first source with
user data wins; if none has any, the first that answers. The default is
k3os.data_sources or, if that is not set, "auto": all local sources, and the
cloud that this machine identifies itself as part of.`,
  options: OPTIONS,
  exits: { done: "a source answered", failed: "no source answered, or SOURCE is unknown" },
  maxPositionals: Number.POSITIVE_INFINITY,
  choices: async () => {
    const { AUTO } = await import("../lib/config/schema/data-source-names.ts");
    const { OFFER } = await import("../lib/datasource/providers.ts");
    return [AUTO, ...OFFER.providers.map(({ name }) => name)];
  },
  json: "events",
  needsRoot: ({ values }) => !values.explain,
  run: async ({ values, positionals }: Arguments<typeof OPTIONS>, host) => {
    const timeout = timeoutOf(values.timeout);
    const names = positionals.length > 0 ? positionals : await configuredSources(host);
    return await ask(names, { ...values, timeout }, host);
  },
});

async function ask(
  names: readonly string[],
  options: { readonly timeout: number; readonly cached: boolean; readonly explain: boolean },
  host: Host,
): Promise<number> {
  const { askSources } = await import("../lib/datasource/ask.ts");
  const answer = await askSources(names, { ...options, keep: !options.explain }, host);
  const { choices, result, kept, errors } = answer;
  for (const error of errors) host.log.error(messageOf(error));
  if (options.explain || host.tell !== undefined) await explain(answer, options.explain, host);
  const found = result.found ?? kept;
  if (found === undefined && !options.explain) {
    const { nothingFound } = await import("../lib/datasource/search.ts");
    if (errors.length === 0 || choices.length > 0) throw nothingFound(result);
  }
  if (found !== undefined && !options.explain) {
    const { writeMetadata } = await import("../lib/datasource/write-metadata.ts");
    const title = "title" in found ? found.title : found.provider.title;
    await writeMetadata(title, found.metadata, host);
  }
  return found !== undefined && errors.length === 0 ? EXIT.done : EXIT.failed;
}

async function explain({ platform, result, kept }: Answer, shown: boolean, host: Host): Promise<void> {
  const { explainSearch, formatExplanation } = await import("../lib/datasource/explain-search.ts");
  const explanation = explainSearch(platform, result, kept);
  host.tell?.({ event: "result", value: explanation });
  if (shown) host.print(formatExplanation(explanation));
}

const DEFAULT_TIMEOUT = 60;
const LONGEST_TIMEOUT = 3600;

/** Milliseconds. */
function timeoutOf(text: string | undefined): number {
  if (text === undefined) return DEFAULT_TIMEOUT * 1000;
  const seconds = /^\d+(\.\d+)?$/.test(text) ? Number(text) : 0;
  if (seconds > 0 && seconds <= LONGEST_TIMEOUT) return seconds * 1000;
  throw new UsageError(`Found --timeout "${text}", expected seconds, at most ${LONGEST_TIMEOUT}`);
}

/** Problems of the configuration are reported when it is applied. */
async function configuredSources(host: Pick<Host, "root">): Promise<readonly string[]> {
  const { readConfig } = await import("../lib/config/read/read.ts");
  const { config } = await readConfig(host);
  const sources = config.k3os?.dataSources ?? [];
  return sources.length > 0 ? sources : ["auto"];
}
