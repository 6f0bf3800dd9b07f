import type { Host } from "../tools/host/host.ts";
import type { CommandError } from "../tools/text/errors.ts";
import { type Kept, keepAnswer, keptAnswer } from "./cache.ts";
import { type Choice, chooseSources } from "./choose.ts";
import type { Platform } from "./platform.ts";
import { OFFER } from "./providers.ts";
import { readPlatform } from "./read-platform.ts";
import { describeMetadata, type SearchResult, searchSources } from "./search.ts";

export interface AskOptions {
  /** Milliseconds until the search gives up. */
  readonly timeout: number;
  /** Use the last answer if no source answers. */
  readonly cached: boolean;
  /** Keep the answer for boots on which no source answers. */
  readonly keep: boolean;
}

export interface Answer {
  readonly platform: Platform;
  readonly choices: readonly Choice[];
  readonly result: SearchResult;
  /** The answer of an earlier boot, if it replaces a current one. */
  readonly kept: Kept | undefined;
  /** Unknown source names. */
  readonly errors: readonly CommandError[];
}

/** Reads the platform, asks the sources of the list, and keeps the answer. */
export async function askSources(
  names: readonly string[],
  options: AskOptions,
  host: Omit<Host, "sh" | "print">,
): Promise<Answer> {
  const platform = await readPlatform(host);
  const { choices, errors } = chooseSources(names, OFFER, platform);
  const result = await searchSources(choices, { ...options, platform }, host);
  const { found } = result;
  if (found !== undefined) {
    const { name, title } = found.provider;
    host.log.info(`Using ${name}: ${describeMetadata(found.metadata)}`);
    if (options.keep) keepAnswer({ source: name, title, metadata: found.metadata }, platform, host);
    return { platform, choices, result, kept: undefined, errors };
  }
  const sources = choices.map(({ provider }) => provider.name);
  const kept = options.cached ? keptAnswer(sources, platform, host) : undefined;
  if (kept !== undefined) {
    host.log.warn(`No data source answered: using what ${kept.source} said on ${kept.date}`);
  }
  return { platform, choices, result, kept, errors };
}
