import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { CommandError, messageOf } from "../../tools/text/errors.ts";
import type { Access, Metadata, Provider } from "../data-source.ts";
import { isObject, parseObject } from "../json.ts";
import { publicKeys, withoutUndefined } from "./fields.ts";
import { readInside } from "./read-source-file.ts";

import { isLabelled, searchVolumes } from "./volumes.ts";

const LABEL = "config-2";

/** The layouts of OpenStack and EC2 as directory, meta-data and user data; the first existing one counts. */
const LAYOUTS = [
  { directory: "openstack", meta: "meta_data.json", userdata: "user_data" },
  { directory: "ec2", meta: "meta-data.json", userdata: "user-data" },
] as const;
const UNUSED = ["vendor_data.json", "vendor_data2.json", "network_data.json"];

/**
 * OpenStack's config drive: a file system labelled `config-2` with the files of its metadata service.
 * https://docs.openstack.org/nova/latest/user/metadata.html#config-drives
 */
export const configDrive: Provider = {
  name: "config-drive",
  title: "Config Drive",
  kind: "local",
  recognises: ({ devices }) => devices.some((device) => isLabelled(device, LABEL)),
  read: (access) => {
    const devices = access.platform.devices.filter((device) => isLabelled(device, LABEL));
    // devices that were attached later come later in the list: the last one is the newest
    const last = devices.sort((a, b) => (a.path < b.path ? 1 : -1));
    return searchVolumes(last, (directory, { path }) => readDrive(directory, path, access), access);
  },
};

/**
 * Reads a drive that is mounted at a directory; messages call it `name`. Undefined if it has neither layout. Throws
 * CommandError if it has one, but neither usable meta-data nor user data.
 */
export function readDrive(
  directory: string,
  name: string,
  access: Pick<Access, "ignored">,
): Metadata | undefined {
  for (const layout of LAYOUTS) {
    const version = newestVersion(join(directory, layout.directory));
    if (version === undefined) continue;
    const path = join(layout.directory, version);
    for (const unused of UNUSED) {
      if (existsSync(join(directory, path, unused))) access.ignored(`${name}: ${unused} is not used`);
    }
    const userdata = readInside(directory, join(path, layout.userdata));
    const meta = readMeta(directory, join(path, layout.meta), access);
    if (meta.problem !== undefined && userdata === undefined) throw meta.problem;
    return { ...meta.fields, ...(userdata === undefined || userdata.length === 0 ? {} : { userdata }) };
  }
  access.ignored(`${name}: holds neither ${LAYOUTS.map((layout) => layout.directory).join(" nor ")}`);
  return undefined;
}

/** The version with the latest date, otherwise `latest`. */
function newestVersion(directory: string): string | undefined {
  if (!existsSync(directory)) return undefined;
  const names = readdirSync(directory);
  const dates = names.filter((name) => /^\d{4}-\d{2}-\d{2}$/.test(name)).sort();
  return dates.at(-1) ?? names.find((name) => name === "latest");
}

/** Never throws: invalid meta-data does not affect the user data. */
function readMeta(
  directory: string,
  path: string,
  access: Pick<Access, "ignored">,
): { readonly fields: Metadata; readonly problem?: Error } {
  try {
    const bytes = readInside(directory, path);
    if (bytes === undefined) throw new CommandError(`"${path}" is missing`);
    return { fields: parseMeta(bytes, path, access) };
  } catch (error) {
    access.ignored(messageOf(error));
    return { fields: {}, problem: error as Error };
  }
}

function parseMeta(bytes: Uint8Array, path: string, access: Pick<Access, "ignored">): Metadata {
  const fields = parseObject(bytes, path);
  const text = (...keys: readonly string[]): string | undefined => {
    const value = keys.map((key) => fields[key]).find((found) => found !== undefined && found !== null);
    if (value === undefined || value === "") return undefined;
    if (typeof value === "string") return value;
    access.ignored(`${path}: ${keys[0]}: expected a text`);
    return undefined;
  };
  if (Array.isArray(fields.files) && fields.files.length > 0) access.ignored(`${path}: files are not used`);
  const placement = isObject(fields.placement) ? fields.placement["availability-zone"] : undefined;
  const instanceId = text("uuid", "instance-id");
  const zone = text("availability_zone") ?? (typeof placement === "string" ? placement : undefined);
  const facts = withoutUndefined<Record<string, string>>({
    instance_id: instanceId,
    availability_zone: zone,
    instance_type: text("instance-type"),
    local_ipv4: text("local-ipv4"),
    public_ipv4: text("public-ipv4"),
  });
  return withoutUndefined<Metadata>({
    hostname: text("hostname"),
    localHostname: text("local-hostname"),
    instanceId,
    keys: publicKeys(fields.public_keys ?? fields["public-keys"]),
    facts: Object.keys(facts).length === 0 ? undefined : facts,
  });
}
