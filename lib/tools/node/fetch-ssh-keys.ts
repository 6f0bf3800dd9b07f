import type { Host } from "../host/host.ts";
import { type FetchOptions, fetchText } from "../http/http.ts";
import { CommandError } from "../text/errors.ts";
import { readKeys } from "./ssh-key.ts";

/**
 * The keys of a URL, and the number of its invalid lines. An empty file is valid. `name` replaces the URL in messages.
 * Throws HttpError, or CommandError for other content.
 */
export async function fetchKeys(
  { name, url }: { readonly name: string; readonly url: string },
  limits: FetchOptions,
  host: Pick<Host, "log" | "clock" | "env">,
): Promise<{ keys: string[]; rejected: number }> {
  const { keys, flaws } = readKeys(await fetchText(url, limits, host));
  if (flaws.length === 0 || keys.length > 0) return { keys, rejected: flaws.length };
  throw new CommandError(`"${name}" holds no ssh public key`);
}
