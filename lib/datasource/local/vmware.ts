import { gunzipSync } from "node:zlib";
import { cmd } from "../../tools/host/cmd.ts";
import { decodeBase64 } from "../../tools/text/base64.ts";
import { CommandError, messageOf } from "../../tools/text/errors.ts";
import type { Access, Metadata, Provider } from "../data-source.ts";
import { type MetaData, parseMetaData } from "./meta-data.ts";
import { MAX_BYTES } from "./read-source-file.ts";

/** Programs of open-vm-tools that query the hypervisor; the first existing one is used. */
const PROGRAMS: readonly (readonly string[])[] = [["vmware-rpctool"], ["vmtoolsd", "--cmd"]];
const TIMEOUT = 10_000;

/** Encodings that the key `guestinfo.NAME.encoding` may name. */
const DECODERS: Readonly<Record<string, (text: string) => Uint8Array>> = {
  "": (text) => Buffer.from(text),
  base64: fromBase64,
  b64: fromBase64,
  "gzip+base64": (text) => gunzipSync(fromBase64(text), { maxOutputLength: MAX_BYTES }),
  "gz+b64": (text) => gunzipSync(fromBase64(text), { maxOutputLength: MAX_BYTES }),
};

type AskAccess = Pick<Access, "run" | "ignored">;

/**
 * The values of `guestinfo.userdata` and `guestinfo.metadata`, set by an administrator of vSphere or by VMware's
 * desktop products.
 * https://cloudinit.readthedocs.io/en/latest/reference/datasources/vmware.html
 */
export const vmware: Provider = {
  name: "vmware",
  title: "VMWARE",
  kind: "local",
  recognises: ({ dmi }) => /vmware/i.test(dmi.product_name ?? ""),
  read: async (access) => {
    const program = await findProgram(access);
    if (program === undefined) {
      if (!vmware.recognises(access.platform)) return undefined;
      throw new CommandError("Cannot read guestinfo: neither vmware-rpctool nor vmtoolsd can be run");
    }
    const userdata = await readEncoded("userdata", program, access);
    const metadata = await readMetadata(program, access);
    if ((await ask("vendordata", program, access)) !== undefined) {
      access.ignored("guestinfo.vendordata: vendor data is not used");
    }
    if (userdata === undefined && metadata === undefined) return undefined;
    return { ...metadata, ...(userdata === undefined ? {} : { userdata }) } satisfies Metadata;
  },
};

async function findProgram(access: AskAccess): Promise<readonly string[] | undefined> {
  for (const program of PROGRAMS) {
    try {
      await access.run(cmd`${program} ${"info-get guestinfo.userdata"}`, { check: false, timeout: TIMEOUT });
      return program;
    } catch (error) {
      access.ignored(messageOf(error));
    }
  }
  return undefined;
}

/** The value of a key; undefined if it is not set. Some tools cannot remove a key, and set it to "---" instead. */
async function ask(key: string, program: readonly string[], access: AskAccess): Promise<string | undefined> {
  const argv = cmd`${program} ${`info-get guestinfo.${key}`}`;
  const { code, stdout } = await access.run(argv, { check: false, timeout: TIMEOUT });
  const value = stdout.replace(/\n$/, ""); // the programs add it
  return code !== 0 || value.trim() === "" || value.trim() === "---" ? undefined : value;
}

async function readEncoded(
  key: string,
  program: readonly string[],
  access: AskAccess,
): Promise<Uint8Array | undefined> {
  const value = await ask(key, program, access);
  if (value === undefined) return undefined;
  const encoding = ((await ask(`${key}.encoding`, program, access)) ?? "").trim().toLowerCase();
  const decode = Object.hasOwn(DECODERS, encoding) ? DECODERS[encoding] : undefined;
  try {
    if (decode !== undefined) return decode(value);
    throw new CommandError(`found the encoding "${encoding}", expected base64 or gzip+base64`);
  } catch (cause) {
    throw new CommandError(`Cannot read guestinfo.${key}`, { cause });
  }
}

/** An error here must not cause the loss of the user data. */
async function readMetadata(program: readonly string[], access: AskAccess): Promise<MetaData | undefined> {
  try {
    const bytes = await readEncoded("metadata", program, access);
    return bytes === undefined ? undefined : await parseMetaData(bytes, "guestinfo.metadata", access);
  } catch (error) {
    access.ignored(messageOf(error));
    return undefined;
  }
}

function fromBase64(text: string): Buffer {
  const bytes = decodeBase64(text);
  if (bytes === undefined) throw new CommandError("expected base64");
  return bytes;
}
