import { HttpError } from "../../tools/http/http.ts";
import type { Access, Metadata, Provider } from "../data-source.ts";
import { factsOf, reach } from "./answer.ts";

const BASES = ["http://169.254.42.42", "http://[fd00:42::42]"];

/** Scaleway. https://www.scaleway.com/en/developers/api/instance/user-data */
export const scaleway = scalewayAt(BASES);

/** {@link scaleway} at other addresses. */
export function scalewayAt(bases: readonly string[]): Provider {
  return {
    name: "scaleway",
    title: "Scaleway",
    kind: "network",
    recognises: ({ dmi, words }) => dmi.sys_vendor === "Scaleway" || words.includes("scaleway"),
    read: (access) => readScaleway(bases, access),
  };
}

async function readScaleway(bases: readonly string[], access: Access): Promise<Metadata | undefined> {
  const { base, content } = await reach(bases, "/conf", {}, access);
  if (content === undefined) return undefined;
  const conf = parseConf(content.toString("utf8"));
  const userdata = await fetchPrivileged(`${base}/user_data/cloud-init`, access);
  const hostname = conf.get("HOSTNAME");
  const instanceId = conf.get("ID");
  return {
    ...(userdata === undefined ? {} : { userdata }),
    ...(hostname === undefined ? {} : { hostname }),
    ...(instanceId === undefined ? {} : { instanceId }),
    keys: keysOf(conf),
    facts: factsOf({
      instance_location: conf.get("LOCATION_ZONE_ID"),
      public_ip: conf.get("PUBLIC_IP_ADDRESS"),
      private_ip: conf.get("PRIVATE_IP"),
    }),
  };
}

/** Parses lines `NAME=VALUE`; the value may be in quotes. */
export function parseConf(text: string): ReadonlyMap<string, string> {
  const lines = text.matchAll(/^[ \t]*(\w+)=(.*?)\s*$/gm);
  return new Map(
    [...lines].map(([, name = "", value = ""]) => [name, value.replace(/^(['"])(.*)\1$/, "$2")]),
  );
}

/** The keys of the account, and the keys in tags, where spaces are written as `_`. */
function keysOf(conf: ReadonlyMap<string, string>): string[] {
  return [...conf].flatMap(([name, value]) => {
    if (/^SSH_PUBLIC_KEYS_\d+_KEY$/.test(name)) return [value];
    const [, key] = (/^TAGS_\d+$/.test(name) && /^AUTHORIZED_KEY=(.+)$/.exec(value)) || [];
    return key === undefined ? [] : [key.replaceAll("_", " ")];
  });
}

/** The upper half of the privileged ports: listening services use the lower one. */
const [FIRST_PORT, PORTS] = [512, 512];
const TRIES = 10;
/** Milliseconds before the next port is tried after the service has limited the requests from one. */
const PAUSE = 5_000;

/**
 * Fetches data that the service gives only to privileged ports, which ordinary users cannot use. A port that is in use,
 * or blocked by an earlier connection, is replaced by another.
 */
async function fetchPrivileged(url: string, access: Access): Promise<Buffer | undefined> {
  const start = access.clock.monotonic() % PORTS;
  for (let tries = 1; ; tries++) {
    // 101 and 512 have no common factor: every port is used once
    const localPort = FIRST_PORT + ((start + tries * 101) % PORTS);
    try {
      return await access.fetch(url, { localPort, once: true });
    } catch (error) {
      const status = error instanceof HttpError ? error.status : undefined;
      const isFinal = status !== undefined && status !== 429 && status < 500;
      if (isFinal || tries === TRIES || !(error instanceof HttpError)) throw error;
      if (status !== undefined) await access.clock.sleep(PAUSE);
    }
  }
}
