import { messageOf } from "../../tools/text/errors.ts";
import type { Access, Metadata } from "../data-source.ts";
import { isObject, type JsonObject } from "../json.ts";
import { publicKeys, withoutUndefined } from "./fields.ts";

/** The fields of cloud-init's `meta-data` that k3OS uses. */
export type MetaData = Pick<Metadata, "instanceId" | "localHostname" | "hostname" | "keys">;

/**
 * Parses `meta-data`, YAML or JSON, of the source NoCloud or of VMware's guestinfo; messages call it `name`.
 * Never throws: unusable values are left out and reported.
 * https://cloudinit.readthedocs.io/en/latest/reference/datasources/nocloud.html
 */
export async function parseMetaData(
  bytes: Uint8Array,
  name: string,
  access: Pick<Access, "ignored">,
): Promise<MetaData> {
  const fields = await parseMap(Buffer.from(bytes).toString(), name, access);
  const text = (key: string): string | undefined => {
    const value = fields[key];
    if (typeof value === "string") return value.trim() || undefined;
    if (value !== undefined) access.ignored(`${name}: ${key}: expected a text`);
    return undefined;
  };
  return withoutUndefined<MetaData>({
    instanceId: text("instance-id") ?? text("instance_id"),
    localHostname: text("local-hostname") ?? text("local_hostname"),
    hostname: text("hostname"),
    keys: publicKeys(fields["public-keys"] ?? fields.public_keys),
  });
}

async function parseMap(text: string, name: string, access: Pick<Access, "ignored">): Promise<JsonObject> {
  const [{ parse }, { parseYaml }] = await Promise.all([
    import("yaml"),
    import("../../config/read/document.ts"), // limits the size of a document
  ]);
  const error = parseYaml(text, name).diagnostics.find(({ severity }) => severity === "error");
  if (error !== undefined) {
    access.ignored(`${name}: ${error.message}`);
    return {};
  }
  try {
    // all values as text: names such as 0644 or 1e3 are strings
    const value: unknown = parse(text, { schema: "failsafe", uniqueKeys: false, logLevel: "error" });
    if (isObject(value)) return value;
    if (value !== null && value !== "") access.ignored(`${name}: expected keys and values`);
  } catch (cause) {
    access.ignored(`${name}: ${messageOf(cause)}`);
  }
  return {};
}
