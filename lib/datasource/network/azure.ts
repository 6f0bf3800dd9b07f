import { HttpError } from "../../tools/http/http.ts";
import type { Access, Metadata, Provider } from "../data-source.ts";
import { at, parseObject, textAt } from "../json.ts";
import { decodeWhole, factsOf, reach } from "./answer.ts";

const BASES = ["http://169.254.169.254"];
const INSTANCE = "/metadata/instance?api-version=2021-08-01&extended=true";
/** For regions without the newer version. */
const OLD_INSTANCE = "/metadata/instance?api-version=2019-06-01";
const USERDATA = "/metadata/instance/compute/userData?api-version=2021-01-01&format=text";
const ASSET_TAG = "7783-7084-3265-9085-8269-3286-77";

/** Answers of the service while a machine is new. */
const QUESTION = { headers: { metadata: "true" }, tryAgain: [404, 410], none: [] } as const;

/**
 * Microsoft Azure: the instance metadata service.
 * https://learn.microsoft.com/en-us/azure/virtual-machines/instance-metadata-service
 */
export const azure = azureAt(BASES);

/** {@link azure} at other addresses. */
export function azureAt(bases: readonly string[]): Provider {
  return {
    name: "azure",
    title: "Azure",
    kind: "network",
    recognises: ({ dmi }) => dmi.chassis_asset_tag === ASSET_TAG,
    read: (access) => readAzure(bases, access),
  };
}

async function readAzure(bases: readonly string[], access: Access): Promise<Metadata | undefined> {
  const question = azure.recognises(access.platform) ? QUESTION : { headers: QUESTION.headers };
  const reached = await reach(bases, INSTANCE, question, access).catch((error) => {
    if (!(error instanceof HttpError) || error.status !== 400) throw error;
    return reach(bases, OLD_INSTANCE, question, access);
  });
  const { base, content } = reached;
  if (content === undefined) return undefined;
  const instance = parseObject(content, `${base}${INSTANCE}`);
  const userdata = await readUserdata(base, access);
  const hostname =
    textAt(instance, "compute", "osProfile", "computerName") ?? textAt(instance, "compute", "name");
  const instanceId = textAt(instance, "compute", "vmId");
  return {
    ...(userdata === undefined ? {} : { userdata }),
    ...(hostname === undefined ? {} : { hostname }),
    ...(instanceId === undefined ? {} : { instanceId }),
    keys: keysOf(at(instance, "compute", "publicKeys")),
    facts: factsOf({
      availability_zone: textAt(instance, "compute", "location"),
      instance_type: textAt(instance, "compute", "vmSize"),
      local_ipv4: textAt(instance, ...ADDRESS, "privateIpAddress"),
      public_ipv4: textAt(instance, ...ADDRESS, "publicIpAddress"),
    }),
  };
}

const ADDRESS = ["network", "interface", 0, "ipv4", "ipAddress", 0] as const;

/** Always base64; regions without user data answer 400. */
async function readUserdata(base: string, access: Access): Promise<Buffer | undefined> {
  const bytes = await access.fetch(`${base}${USERDATA}`, { headers: QUESTION.headers, none: [400, 404] });
  if (bytes === undefined || bytes.length === 0) return undefined;
  const decoded = decodeWhole(bytes.toString("latin1"));
  if (decoded === undefined) access.ignored("user data: found no base64; kept as it is");
  return decoded ?? bytes;
}

/** Azure wraps long keys. */
function keysOf(list: unknown): string[] {
  return (Array.isArray(list) ? list : []).flatMap((entry) => {
    const key = textAt(entry, "keyData");
    return key === undefined ? [] : [key.replace(/[\r\n]+/g, "")];
  });
}
