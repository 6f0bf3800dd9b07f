import type { Arch } from "../host/targets.ts";
import { CommandError } from "../text/errors.ts";
import { isMinor, minorOf } from "./k3s-release.ts";
import type { DeclaredK3s } from "./release-list.ts";
import { verifySignature } from "./signature.ts";
import type { PublicKey } from "./signature-keys.ts";
import { isVersion } from "./version-name.ts";

/** The name of a project's channel, beside the files of its latest release. */
export const CHANNEL = "channel.json";

/** The size limit of a channel, in bytes. */
export const MAX_CHANNEL = 1 << 20;

/** How long a new channel may be offered, in seconds: half a year. */
export const CHANNEL_VALIDITY = 180 * 86_400;

/** A release in a channel. */
export interface ChannelRelease {
  readonly version: string;
  /** The day of its signature, in UTC: `2026-12-01`. */
  readonly date: string;
  /** Undefined: its images are without k3s. */
  readonly k3s?: DeclaredK3s | undefined;
  /** The bytes of its files by architecture and name. */
  readonly sizes: Readonly<Partial<Record<Arch, Readonly<Record<string, number>>>>>;
}

/**
 * The releases of a project, the newest first. A node finds in it the way to the latest one: the k3s of each, and the
 * minors of Kubernetes from which a server may step to it. It is signed as the lists of a release are, for its own name.
 */
export interface Channel {
  readonly latest: string;
  readonly releases: readonly ChannelRelease[];
}

/** A channel whose signature is verified. */
export interface SignedChannel extends Channel {
  /** When it was signed, in seconds since the epoch. */
  readonly timestamp: number;
  /** Until when it may be offered, in seconds since the epoch. */
  readonly expires: number;
}

const FORMAT = 1;

/** The text of {@link CHANNEL}. The same input results in the same text. */
export function channelText({ latest, releases }: Channel): string {
  return `${JSON.stringify({ format: FORMAT, latest, releases }, undefined, 1)}\n`;
}

/** The trusted comment to sign a channel with. */
export function channelComment({ timestamp, expires }: Pick<SignedChannel, "timestamp" | "expires">): string {
  return [`timestamp:${timestamp}`, `file:${CHANNEL}`, `expires:${expires}`, "hashed"].join("\t");
}

/** The content of a channel that one of `keys` has signed. It is only parsed after the verification. Throws CommandError. */
export function verifyChannel(
  content: Uint8Array,
  { signature, keys }: { readonly signature: string; readonly keys: readonly PublicKey[] },
): SignedChannel {
  const comment = verifySignature(content, signature, keys).split("\t");
  const field = (name: string) => comment.find((part) => part.startsWith(`${name}:`))?.slice(name.length + 1);
  const [timestamp, expires] = [Number(field("timestamp")), Number(field("expires"))];
  if (field("file") !== CHANNEL || !Number.isSafeInteger(timestamp) || !Number.isSafeInteger(expires))
    throw new CommandError(`It is not signed as ${CHANNEL}`);
  return { ...parseChannel(Buffer.from(content).toString()), timestamp, expires };
}

/** The channel of a text; fields that are not known are skipped. Throws CommandError. */
export function parseChannel(text: string): Channel {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new CommandError(`${CHANNEL} is not JSON`, { cause });
  }
  const { format, latest, releases } = fieldsOf(value);
  if (format !== FORMAT) throw new CommandError(`${CHANNEL} has the format ${format}, expected ${FORMAT}`);
  if (typeof latest !== "string" || !isVersion(latest) || !Array.isArray(releases))
    throw new CommandError(`${CHANNEL} does not name the latest release, and a list of releases`);
  return { latest, releases: releases.map(releaseOf) };
}

function releaseOf(value: unknown): ChannelRelease {
  const { version, date, k3s, sizes } = fieldsOf(value);
  if (typeof version !== "string" || !isVersion(version) || typeof date !== "string")
    throw new CommandError(`${CHANNEL} has a release without version and date`);
  const declared = k3s === undefined ? undefined : k3sOf(k3s, version);
  return {
    version,
    date,
    sizes: fieldsOf(sizes) as ChannelRelease["sizes"],
    ...(declared && { k3s: declared }),
  };
}

function k3sOf(value: unknown, release: string): DeclaredK3s {
  const { version, from } = fieldsOf(value);
  const isFrom = Array.isArray(from) && from.every((minor) => typeof minor === "string" && isMinor(minor));
  if (typeof version === "string" && minorOf(version) !== undefined && isFrom) return { version, from };
  throw new CommandError(`${CHANNEL} declares no valid k3s of ${release}`);
}

function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null ? (value as Readonly<Record<string, unknown>>) : {};
}
