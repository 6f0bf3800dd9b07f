import type { Host } from "../host/host.ts";
import { type FetchOptions, fetchText } from "../http/http.ts";
import { CommandError } from "../text/errors.ts";
import { readKeys } from "./ssh-key.ts";

/**
 * The keys that a URL holds, and how many of its lines are none; no key at all is fine if there is no other line either.
 * `name` stands for it in messages. Throws HttpError, or CommandError where it holds something else.
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
