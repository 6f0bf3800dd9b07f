import { statSync } from "node:fs";
import { specialKind } from "../fs/read-bounded.ts";
import type { Host } from "../host/host.ts";
import { CommandError } from "../text/errors.ts";
import { type FetchOptions, fetchResponse } from "./http.ts";
import { localPath } from "./http-url.ts";

/**
 * The size in bytes of a URL's or path's content, without a download; undefined if the server or the scheme does not
 * provide it. Throws HttpError or CommandError if it does not exist.
 */
export async function sizeOf(
  url: string,
  options: Pick<FetchOptions, "plainRedirects">,
  host: Pick<Host, "log" | "clock" | "env">,
): Promise<number | undefined> {
  const path = localPath(url);
  if (path !== undefined) {
    const found = statSync(path, { throwIfNoEntry: false });
    if (found === undefined) throw new CommandError(`There is no "${path}"`);
    const special = specialKind(found);
    if (special === undefined) return found.size;
    throw new CommandError(`"${path}" is ${special}, expected a file`);
  }
  if (!/^https?:/i.test(url)) return undefined;
  const { headers } = await fetchResponse(url, { ...options, method: "HEAD" }, host);
  return headers["content-length"] === undefined ? undefined : Number(headers["content-length"]);
}
