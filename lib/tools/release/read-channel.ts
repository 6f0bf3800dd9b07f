import type { Host } from "../host/host.ts";
import { maskUrl } from "../http/http.ts";
import { localPath } from "../http/http-url.ts";
import { CommandError, during } from "../text/errors.ts";
import { CHANNEL, MAX_CHANNEL, type SignedChannel, verifyChannel } from "./channel.ts";
import { checkFreshness } from "./freshness.ts";
import { followKeys } from "./key-chain.ts";
import { isMissing, readSmall, releaseFile, type Trust } from "./read-release.ts";

/**
 * The channel in a release directory, a URL or path; undefined if there is none, or signatures do not count: then it says
 * nothing that the list of a release does not say. Throws HttpError or CommandError, also for one that has expired.
 */
export async function readChannel(
  directory: string,
  trust: Trust,
  host: Pick<Host, "log" | "clock" | "env" | "run">,
): Promise<SignedChannel | undefined> {
  if (trust.kind === "anyone") return undefined;
  const url = releaseFile(directory, CHANNEL);
  const read = async (file: string) => {
    try {
      return await readSmall(file, { maxBytes: MAX_CHANNEL }, host);
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw error;
    }
  };
  const content = await read(url);
  if (content === undefined) return undefined;
  const name = maskUrl(url);
  const signature = (await read(releaseFile(directory, `${CHANNEL}.minisig`)))?.toString();
  if (signature === undefined) throw new CommandError(`Nobody has signed "${name}"`);
  const channel = await during(`Verifying "${name}"`, async () => {
    const keys = await followKeys(signature, trust.keys, (key) => read(releaseFile(directory, key)), host);
    return verifyChannel(content, { signature, keys });
  });
  const about = { version: channel.latest, timestamp: channel.timestamp, expires: channel.expires };
  const isLocal = localPath(directory) !== undefined;
  checkFreshness(about, { name, isLocal, allowExpired: trust.allowExpired }, host);
  return channel;
}
