import type { Access, Metadata, Provider } from "../data-source.ts";
import { at, type JsonObject, parseObject, textAt, textsAt } from "../json.ts";
import { factsOf, optional, reach } from "./answer.ts";

const BASES = ["http://169.254.169.254"];
const PATH = "/v1.json";
const HEADERS = { "metadata-token": "cloudinit" };

/** Vultr, whose user data the original never fetched. https://www.vultr.com/metadata/ */
export const vultr = vultrAt(BASES);

/** {@link vultr} at other addresses. */
export function vultrAt(bases: readonly string[]): Provider {
  return {
    name: "vultr",
    title: "Vultr",
    kind: "network",
    // bare metal is identified by the kernel command line
    recognises: ({ dmi, words }) => dmi.sys_vendor === "Vultr" || words.includes("vultr"),
    read: (access) => readVultr(bases, access),
  };
}

async function readVultr(bases: readonly string[], access: Access): Promise<Metadata | undefined> {
  const { base, content } = await reach(bases, PATH, { headers: HEADERS }, access);
  if (content === undefined) return undefined;
  const instance = parseObject(content, `${base}${PATH}`);
  const userdata = await readUserdata(base, instance, access);
  const listed = textsAt(instance, "public-keys");
  const keys =
    listed.length > 0
      ? listed
      : [
          await optional(
            "keys",
            async () => (await access.fetch(`${base}/v1/public-keys`))?.toString(),
            access,
          ),
        ];
  const hostname = textAt(instance, "hostname");
  const instanceId = textAt(instance, "instance-v2-id") ?? textAt(instance, "instanceid");
  return {
    ...(userdata === undefined ? {} : { userdata }),
    ...(hostname === undefined ? {} : { hostname }),
    ...(instanceId === undefined ? {} : { instanceId }),
    keys: keys.filter((key) => key !== undefined),
    facts: factsOf({
      public_ipv4: ipv4(instance, "public", "address"),
      private_ipv4: ipv4(instance, "private", "address"),
      private_netmask: ipv4(instance, "private", "netmask"),
      region_code: textAt(instance, "region", "regioncode"),
    }),
  };
}

/** Raw bytes first: JSON cannot contain binary user data. */
async function readUserdata(base: string, instance: JsonObject, access: Access): Promise<Buffer | undefined> {
  const text = textAt(instance, "user-data");
  const ask = () => access.fetch(`${base}/user-data/user-data`, { headers: HEADERS });
  if (text === undefined) return await ask();
  return (await optional("raw user data", ask, access)) ?? Buffer.from(text);
}

function ipv4(instance: JsonObject, network: string, field: string): string | undefined {
  const all = at(instance, "interfaces");
  const found = (Array.isArray(all) ? all : []).find((entry) => at(entry, "network-type") === network);
  return textAt(found, "ipv4", field);
}
