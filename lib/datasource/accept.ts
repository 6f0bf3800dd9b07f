import { gunzipSync } from "node:zlib";
import { MAX_HOSTNAME } from "../config/schema/forms.ts";
import { DEFAULTS } from "../tools/http/http-options.ts";
import { isKey } from "../tools/node/ssh-key.ts";
import type { Metadata } from "./data-source.ts";

/** Maximum size of user data in bytes, also after decompression. */
export const MAX_USERDATA = DEFAULTS.maxBytes;

/**
 * Validates a source's answer: user data decompressed, keys checked, names trimmed. Each invalid value is left out on
 * its own and reported to `ignored`. undefined if nothing is left.
 */
export function acceptMetadata(answer: Metadata, ignored: (what: string) => void): Metadata | undefined {
  const userdata = acceptUserdata(answer.userdata, ignored);
  const keys = acceptKeys(answer.keys ?? [], ignored);
  const hostname = acceptName("host name", answer.hostname, ignored);
  const localHostname = acceptName("local host name", answer.localHostname, ignored);
  const instanceId = acceptLine("instance id", answer.instanceId, ignored);
  const facts = Object.entries(answer.facts ?? {}).flatMap(([name, value]): [string, string][] => {
    const line = acceptLine(name, value, ignored);
    return line === undefined ? [] : [[name, line]];
  });
  const accepted: Metadata = {
    ...(userdata === undefined ? {} : { userdata }),
    ...(keys.length === 0 ? {} : { keys }),
    ...(hostname === undefined ? {} : { hostname }),
    ...(localHostname === undefined ? {} : { localHostname }),
    ...(instanceId === undefined ? {} : { instanceId }),
    ...(facts.length === 0 ? {} : { facts: Object.fromEntries(facts) }),
  };
  return Object.keys(accepted).length === 0 ? undefined : accepted;
}

function acceptUserdata(
  data: Uint8Array | undefined,
  ignored: (what: string) => void,
): Uint8Array | undefined {
  if (data === undefined || data.length === 0) return undefined;
  if (data.length > MAX_USERDATA) {
    ignored(`user data: found ${data.length} bytes, expected at most ${MAX_USERDATA}`);
    return undefined;
  }
  if (data[0] !== 0x1f || data[1] !== 0x8b) return data;
  try {
    const unpacked = gunzipSync(data, { maxOutputLength: MAX_USERDATA });
    return unpacked.length === 0 ? undefined : unpacked;
  } catch (error) {
    const large = (error as NodeJS.ErrnoException).code === "ERR_BUFFER_TOO_LARGE";
    const why = large ? `it unpacks to more than ${MAX_USERDATA} bytes` : (error as Error).message;
    ignored(`user data: gzip that cannot be unpacked (${why}); kept as it is`);
    return data;
  }
}

function acceptKeys(texts: readonly string[], ignored: (what: string) => void): string[] {
  const lines = texts
    .flatMap((text) => text.split("\n"))
    .map((line) => line.trim())
    .filter((line) => line !== "" && !line.startsWith("#"));
  const keys = lines.filter(isKey);
  const bad = lines.length - keys.length;
  if (bad > 0) ignored(`keys: ${bad} of ${lines.length} lines are not SSH public keys`);
  return [...new Set(keys)];
}

/** Names that are too long for a node lose their domain: https://github.com/coreos/afterburn/issues/509 */
function acceptName(
  what: string,
  input: string | undefined,
  ignored: (what: string) => void,
): string | undefined {
  const name = input?.trim() ?? "";
  if (name === "") return undefined;
  const short = name.length <= MAX_HOSTNAME ? name : (name.slice(0, MAX_HOSTNAME).split(".")[0] ?? "");
  if (/^[\w.:-]+$/.test(short)) return short;
  ignored(`${what}: found ${quote(name)}, expected one word of letters, digits, "-" and "."`);
  return undefined;
}

function acceptLine(
  what: string,
  input: string | undefined,
  ignored: (what: string) => void,
): string | undefined {
  const line = input?.trim() ?? "";
  if (line === "") return undefined;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: finding them is the purpose
  if (line.length <= 255 && !/[\x00-\x1f\x7f]/.test(line)) return line;
  ignored(`${what}: found ${quote(line)}, expected one line of text`);
  return undefined;
}

function quote(text: string): string {
  return JSON.stringify(text.length > 40 ? `${text.slice(0, 40)}…` : text);
}
