import { CommandError } from "../../tools/text/errors.ts";
import type { Access, Metadata, Provider } from "../data-source.ts";
import { at, type JsonObject, parseObject, textAt, textsAt } from "../json.ts";
import { factsOf, reach } from "./answer.ts";

const BASES = ["https://metadata.packet.net"];

/**
 * Packet, later Equinix Metal. Its host answers from anywhere, so it is asked only if the list names it.
 * https://pkg.go.dev/github.com/packethost/packngo@v0.29.0/metadata
 */
export const packet = packetAt(BASES);

/** {@link packet} at other addresses. */
export function packetAt(bases: readonly string[]): Provider {
  return {
    name: "packet",
    title: "Packet",
    kind: "network",
    recognises: () => false,
    read: (access) => readPacket(bases, access),
  };
}

async function readPacket(bases: readonly string[], access: Access): Promise<Metadata | undefined> {
  const { base, content } = await reach(bases, "/metadata", {}, access);
  if (content === undefined) return undefined;
  const device = parseObject(content, `${base}/metadata`);
  const error = textAt(device, "error");
  if (error !== undefined) throw new CommandError(`The service says: ${JSON.stringify(error.slice(0, 200))}`);
  const userdata = await readUserdata(base, access);
  const hostname = textAt(device, "hostname");
  const instanceId = textAt(device, "id");
  return {
    ...(userdata === undefined ? {} : { userdata }),
    ...(hostname === undefined ? {} : { hostname }),
    ...(instanceId === undefined ? {} : { instanceId }),
    keys: textsAt(device, "ssh_keys"),
    facts: factsOf({
      public_ipv4: address(device, true),
      local_ipv4: address(device, false),
      availability_zone: textAt(device, "facility"),
      instance_type: textAt(device, "plan"),
    }),
  };
}

/** On a machine that boots by iPXE, the user data is the iPXE script. */
async function readUserdata(base: string, access: Access): Promise<Buffer | undefined> {
  const userdata = await access.fetch(`${base}/userdata`);
  if (!userdata?.toString("latin1", 0, 6).startsWith("#!ipxe")) return userdata;
  access.ignored("user data: a script for iPXE");
  return undefined;
}

function address(device: JsonObject, isPublic: boolean): string | undefined {
  const all = at(device, "network", "addresses");
  const found = (Array.isArray(all) ? all : []).find(
    (entry) => at(entry, "address_family") === 4 && at(entry, "public") === isPublic,
  );
  return textAt(found, "address");
}
