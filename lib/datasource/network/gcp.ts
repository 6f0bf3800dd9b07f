import type { Access, Metadata, Provider } from "../data-source.ts";
import { decodeWhole, factsOf, optional, reach } from "./answer.ts";

const BASES = ["http://metadata.google.internal", "http://169.254.169.254"];
const TREE = "/computeMetadata/v1";
const HEADERS = { "metadata-flavor": "Google" };

/** Google Compute Engine. https://cloud.google.com/compute/docs/metadata/overview */
export const gcp = gcpAt(BASES);

/** {@link gcp} at other addresses. */
export function gcpAt(bases: readonly string[]): Provider {
  return {
    name: "gcp",
    title: "GCP",
    kind: "network",
    recognises: ({ dmi }) =>
      dmi.product_name === "Google Compute Engine" || /^GoogleCloud-/.test(dmi.product_serial ?? ""),
    read: (access) => readGcp(bases, access),
  };
}

async function readGcp(bases: readonly string[], access: Access): Promise<Metadata | undefined> {
  const { base, content: id } = await reach(bases, `${TREE}/instance/id`, { headers: HEADERS }, access);
  if (id === undefined) return undefined;
  const get = (path: string) => access.fetch(`${base}${TREE}/${path}`, { headers: HEADERS });
  const ask = (path: string) =>
    optional(path, async () => (await get(path))?.toString("utf8").trim(), access);
  const [userdata, encoding, keys, hostname, zone, type, local, external] = await Promise.all([
    get("instance/attributes/user-data"),
    ask("instance/attributes/user-data-encoding"),
    readKeys(ask, access),
    ask("instance/hostname"),
    ask("instance/zone"),
    ask("instance/machine-type"),
    ask("instance/network-interfaces/0/ip"),
    ask("instance/network-interfaces/0/access-configs/0/external-ip"),
  ]);
  return {
    ...(userdata === undefined ? {} : { userdata: decode(userdata, encoding, access) }),
    ...(hostname === undefined ? {} : { hostname }),
    instanceId: id.toString("utf8"),
    keys,
    facts: factsOf({
      // both are paths: projects/NUMBER/zones/europe-west1-b
      availability_zone: zone?.split("/").at(-1),
      instance_type: type?.split("/").at(-1),
      local_ipv4: local,
      public_ipv4: external,
    }),
  };
}

function decode(userdata: Buffer, encoding: string | undefined, access: Access): Buffer {
  if (encoding === undefined || encoding === "") return userdata;
  const decoded = encoding === "base64" ? decodeWhole(userdata.toString("latin1")) : undefined;
  if (decoded === undefined) {
    const found = encoding === "base64" ? "text that is not base64" : "an unknown encoding";
    access.ignored(`user-data-encoding: found ${found}; user data kept as it is`);
  }
  return decoded ?? userdata;
}

/**
 * Keys of the instance, and of the project unless the instance refuses those. `sshKeys` is the attribute's old name; on
 * an instance, it excludes the project's keys. https://cloud.google.com/compute/docs/connect/add-ssh-keys
 */
async function readKeys(
  ask: (path: string) => Promise<string | undefined>,
  access: Access,
): Promise<string[]> {
  const [old, own, block, project, oldProject] = await Promise.all([
    ask("instance/attributes/sshKeys"),
    ask("instance/attributes/ssh-keys"),
    ask("instance/attributes/block-project-ssh-keys"),
    ask("project/attributes/ssh-keys"),
    ask("project/attributes/sshKeys"),
  ]);
  const alone = (old ?? "") !== "" || block?.toLowerCase() === "true";
  const texts = [old, own, ...(alone ? [] : [project, oldProject])];
  const lines = texts.flatMap((text) => text?.split("\n") ?? []).map((line) => line.trim());
  return lines.flatMap((line) => {
    const key = keyOfLine(line, access.clock.now());
    if (key === undefined && line !== "") access.ignored("keys: one that has expired");
    return key ?? [];
  });
}

/** The key of a line `USER:KEY`; undefined if it has expired by `now`, or is empty. */
export function keyOfLine(line: string, now: number): string | undefined {
  const key = line.replace(/^[^\s:"]*:/, "");
  const [, json] = /\bgoogle-ssh\s+(\{.*\})\s*$/.exec(key) ?? [];
  const [, expiry] = /"expireOn"\s*:\s*"([^"]+)"/.exec(json ?? "") ?? [];
  // JavaScript does not accept a time zone without a colon as ISO 8601
  const end = expiry === undefined ? Number.NaN : Date.parse(expiry.replace(/([+-]\d\d)(\d\d)$/, "$1:$2"));
  return key === "" || end <= now ? undefined : key;
}
