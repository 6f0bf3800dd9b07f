import { join } from "node:path";
import { writeFileAtomic } from "../../tools/fs/atomic.ts";
import type { Host } from "../../tools/host/host.ts";
import { RELEASES_URL } from "../../tools/host/project.ts";
import type { Arch } from "../../tools/host/targets.ts";
import { HttpError } from "../../tools/http/http.ts";
import {
  CHANNEL,
  CHANNEL_VALIDITY,
  type Channel,
  type ChannelRelease,
  channelComment,
  channelText,
} from "../../tools/release/channel.ts";
import { day } from "../../tools/release/freshness.ts";
import { declaredK3s } from "../../tools/release/k3s-release.ts";
import { readChannel } from "../../tools/release/read-channel.ts";
import type { PublicKey } from "../../tools/release/signature-keys.ts";
import { type SigningKey, signContent } from "../../tools/release/signing-key.ts";
import { versionOrder } from "../../tools/release/version-order.ts";
import { messageOf } from "../../tools/text/errors.ts";

/** A new release for a channel. */
export interface NewRelease {
  readonly version: string;
  readonly k3s: string | undefined;
  /** Seconds since the epoch. */
  readonly signedAt: number;
  readonly sizes: ReadonlyMap<Arch, ReadonlyMap<string, number>>;
}

/** The channel after a release: the releases so far and the new one, which may replace one of its version. Pure. */
export function nextChannel(
  before: Channel | undefined,
  { version, k3s, signedAt, sizes }: NewRelease,
): Channel {
  const declared = k3s === undefined ? undefined : declaredK3s(k3s);
  const bySize = [...sizes].map(([arch, files]) => [arch, Object.fromEntries(files)]);
  const release: ChannelRelease = {
    version,
    date: day(signedAt),
    ...(declared && { k3s: declared }),
    sizes: Object.fromEntries(bySize),
  };
  const others = (before?.releases ?? []).filter((one) => one.version !== version);
  const releases = [...others, release].sort((a, b) => versionOrder(b.version, a.version));
  return { latest: releases[0]?.version ?? version, releases };
}

/** Signs a channel, and writes it and its signature to a directory. Throws CommandError. */
export async function writeChannel(
  channel: Channel,
  {
    directory,
    key,
    timestamp,
  }: { readonly directory: string; readonly key: SigningKey; readonly timestamp: number },
  host: Pick<Host, "run">,
): Promise<void> {
  const text = channelText(channel);
  const comment = channelComment({ timestamp, expires: timestamp + CHANNEL_VALIDITY });
  const signature = await signContent(Buffer.from(text), comment, key, host);
  writeFileAtomic(join(directory, CHANNEL), text);
  writeFileAtomic(join(directory, `${CHANNEL}.minisig`), signature);
}

/**
 * The channel of the releases so far: of the project's latest release, or at another URL or in a directory; undefined with
 * `none`, and if there is no release yet. A dry run only warns of a server that does not answer. Throws CommandError.
 */
export async function readPublishedChannel(
  source: string | undefined,
  { keys, dryRun }: { readonly keys: readonly PublicKey[]; readonly dryRun: boolean },
  host: Pick<Host, "log" | "clock" | "env" | "run">,
): Promise<Channel | undefined> {
  if (source === "none") return undefined;
  const trust = { kind: "keys", keys, allowExpired: true } as const;
  try {
    return await readChannel(source ?? `${RELEASES_URL}/latest/download`, trust, host);
  } catch (error) {
    if (!dryRun || !(error instanceof HttpError)) throw error;
    host.log.warn(`The channel begins with this release: ${messageOf(error)}`);
    return undefined;
  }
}
