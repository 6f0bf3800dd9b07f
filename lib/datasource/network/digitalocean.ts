import type { Access, Metadata, Provider } from "../data-source.ts";
import { parseObject, textAt, textsAt } from "../json.ts";
import { factsOf, reach } from "./answer.ts";

const BASES = ["http://169.254.169.254"];
const PATH = "/metadata/v1.json";

/** DigitalOcean. https://docs.digitalocean.com/reference/api/metadata/ */
export const digitalocean = digitaloceanAt(BASES);

/** {@link digitalocean} at other addresses. */
export function digitaloceanAt(bases: readonly string[]): Provider {
  return {
    name: "digitalocean",
    title: "DigitalOcean",
    kind: "network",
    recognises: ({ dmi }) => dmi.sys_vendor === "DigitalOcean",
    read: (access) => readDigitalocean(bases, access),
  };
}

async function readDigitalocean(bases: readonly string[], access: Access): Promise<Metadata | undefined> {
  const { base, content } = await reach(bases, PATH, {}, access);
  if (content === undefined) return undefined;
  const droplet = parseObject(content, `${base}${PATH}`);
  const userdata = textAt(droplet, "user_data");
  const hostname = textAt(droplet, "hostname");
  const instanceId = textAt(droplet, "droplet_id");
  return {
    ...(userdata === undefined ? {} : { userdata: Buffer.from(userdata) }),
    ...(hostname === undefined ? {} : { hostname }),
    ...(instanceId === undefined ? {} : { instanceId }),
    keys: textsAt(droplet, "public_keys"),
    facts: factsOf({
      public_ipv4: textAt(droplet, "interfaces", "public", 0, "ipv4", "ip_address"),
      private_ipv4: textAt(droplet, "interfaces", "private", 0, "ipv4", "ip_address"),
      region: textAt(droplet, "region"),
      id: instanceId,
    }),
  };
}
