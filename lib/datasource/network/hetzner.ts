import type { Access, Metadata, Provider } from "../data-source.ts";
import { decodeWhole, factsOf, optional, reach } from "./answer.ts";

const BASES = ["http://169.254.169.254", "http://[fe80::a9fe:a9fe%25*]"];
const TREE = "/hetzner/v1";

/** Hetzner Cloud. https://docs.hetzner.cloud/#server-metadata */
export const hetzner = hetznerAt(BASES);

/** {@link hetzner} at other addresses. */
export function hetznerAt(bases: readonly string[]): Provider {
  return {
    name: "hetzner",
    title: "Hetzner",
    kind: "network",
    recognises: ({ dmi }) => dmi.sys_vendor === "Hetzner",
    read: (access) => readHetzner(bases, access),
  };
}

async function readHetzner(bases: readonly string[], access: Access): Promise<Metadata | undefined> {
  const { base, content: id } = await reach(bases, `${TREE}/metadata/instance-id`, {}, access);
  if (id === undefined) return undefined;
  const get = (path: string) => access.fetch(`${base}${TREE}/${path}`);
  const ask = (name: string) =>
    optional(name, async () => (await get(`metadata/${name}`))?.toString("utf8").trim(), access);
  const [userdata, keys, hostname, external, zone, region, networks] = await Promise.all([
    get("userdata"),
    ask("public-keys"),
    ask("hostname"),
    ask("public-ipv4"),
    ask("availability-zone"),
    ask("region"),
    ask("private-networks"),
  ]);
  return {
    // the service accepts text only, so binary user data is in base64
    ...(userdata === undefined ? {} : { userdata: decodeWhole(userdata.toString("latin1")) ?? userdata }),
    ...(hostname === undefined ? {} : { hostname }),
    instanceId: id.toString("utf8"),
    keys: keysOf(keys ?? "", access),
    facts: factsOf({
      public_ipv4: external,
      // a YAML list of networks; the original wrote the first address
      local_ipv4: /^[\s-]*ip:\s*"?([\d.]+)/m.exec(networks ?? "")?.[1],
      availability_zone: zone,
      region,
    }),
  };
}

/** A JSON list of strings. */
function keysOf(text: string, access: Access): string[] {
  if (text === "") return [];
  try {
    const keys: unknown = JSON.parse(text);
    if (Array.isArray(keys)) return keys.filter((key) => typeof key === "string");
    access.ignored("keys: found no list");
    return [];
  } catch {
    return text.split("\n"); // perhaps plain lines; each is checked later
  }
}
