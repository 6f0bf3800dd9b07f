import type { Access, Metadata, Provider } from "../data-source.ts";
import { at, type JsonObject, textAt } from "../json.ts";
import { askJson, factsOf, optional, reach } from "./answer.ts";
import { readEc2Tree } from "./ec2-tree.ts";

const BASES = ["http://169.254.169.254", "http://[fe80::a9fe:a9fe%25*]"];
const NAMES = ["OpenStack Nova", "OpenStack Compute"];
const ASSET_TAGS = [...NAMES, "HUAWEICLOUD", "OpenTelekomCloud", "SAP CCloud VM", "Samsung Cloud Platform"];

/**
 * OpenStack's metadata service: its own tree, or that of EC2 if an old version has no other.
 * https://docs.openstack.org/nova/latest/user/metadata.html
 */
export const openstack = openstackAt(BASES);

/** {@link openstack} at other addresses. */
export function openstackAt(bases: readonly string[]): Provider {
  return {
    name: "openstack",
    title: "openstack",
    kind: "network",
    recognises: ({ dmi }) =>
      NAMES.includes(dmi.product_name ?? "") || ASSET_TAGS.includes(dmi.chassis_asset_tag ?? ""),
    read: (access) => readOpenstack(bases, access),
  };
}

async function readOpenstack(bases: readonly string[], access: Access): Promise<Metadata | undefined> {
  const { base, content } = await reach(bases, "/openstack", {}, access);
  const get = (path: string) => access.fetch(`${base}/latest/${path}`);
  const meta =
    content === undefined ? undefined : await askJson(`${base}/openstack/latest/meta_data.json`, {}, access);
  if (meta === undefined) return await readEc2Tree(get, access);
  const ask = (name: string) =>
    optional(name, async () => (await get(`meta-data/${name}`))?.toString("utf8").trim(), access);
  const [userdata, localHostname, type, local, external] = await Promise.all([
    access.fetch(`${base}/openstack/latest/user_data`),
    ask("local-hostname"),
    ask("instance-type"),
    ask("local-ipv4"),
    ask("public-ipv4"),
  ]);
  return {
    ...describe(meta),
    ...(userdata === undefined ? {} : { userdata }),
    ...(localHostname === undefined ? {} : { localHostname }),
    facts: factsOf({
      instance_type: type,
      local_ipv4: local,
      public_ipv4: external,
      availability_zone: textAt(meta, "availability_zone"),
    }),
  };
}

/** The fields of `meta_data.json`. */
function describe(meta: JsonObject): Metadata {
  const keys = Object.values(at(meta, "public_keys") ?? {}).filter((key) => typeof key === "string");
  const hostname = textAt(meta, "hostname") ?? textAt(meta, "name");
  const instanceId = textAt(meta, "uuid");
  return {
    keys,
    ...(hostname === undefined ? {} : { hostname }),
    ...(instanceId === undefined ? {} : { instanceId }),
  };
}
