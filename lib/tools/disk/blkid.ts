import { cmd } from "../host/cmd.ts";
import type { Host } from "../host/host.ts";
import { CommandError } from "../text/errors.ts";

/** The content of a device or a region of it, by its signatures. */
export type Content =
  | { readonly kind: "nothing" }
  /** Signatures of several file systems: blkid(8) does not decide between them. */
  | { readonly kind: "ambiguous" }
  | { readonly kind: "table"; readonly table: string }
  | {
      readonly kind: "data";
      /** `ext4`, `vfat`, `LVM2_member`, `linux_raid_member`, `crypto_LUKS`, `swap` … */
      readonly type: string;
      readonly label: string | undefined;
      readonly uuid: string | undefined;
    };

const EXIT_NOTHING = 2;
const EXIT_AMBIGUOUS = 8;

/**
 * Reads the signatures on the device itself, not from a cache or udev's database.
 * `part` (bytes) limits the probe to a region, so that it finds partitions that the kernel does not know yet.
 */
export async function probe(
  device: string,
  host: Pick<Host, "run">,
  part?: { readonly start: number; readonly size: number },
): Promise<Content> {
  const range = part === undefined ? [] : ["--offset", `${part.start}`, "--size", `${part.size}`];
  const { code, stdout, stderr } = await host.run(cmd`blkid --probe --output export ${range} ${device}`, {
    check: false,
  });
  if (code === EXIT_AMBIGUOUS) return { kind: "ambiguous" };
  if (code === 0 || code === EXIT_NOTHING) return contentOf(parseExport(stdout));
  throw new CommandError(`Cannot read "${device}": ${stderr.trim() || `blkid exit status ${code}`}`);
}

/** Interprets the fields of `blkid --probe`. A partition table only counts if there is no file system. */
export function contentOf(fields: ReadonlyMap<string, string>): Content {
  const type = fields.get("TYPE");
  if (type !== undefined) {
    return { kind: "data", type, label: fields.get("LABEL"), uuid: fields.get("UUID") };
  }
  const table = fields.get("PTTYPE");
  return table === undefined ? { kind: "nothing" } : { kind: "table", table };
}

/** Parses `blkid --output export`: `KEY=value` lines with backslash escapes. */
export function parseExport(text: string): Map<string, string> {
  const fields = new Map<string, string>();
  for (const line of text.split("\n")) {
    const at = line.indexOf("=");
    if (at > 0) fields.set(line.slice(0, at), line.slice(at + 1).replaceAll(/\\(.)/g, "$1"));
  }
  return fields;
}

/** All devices whose file system has this label, read from the devices now. */
export async function devicesByLabel(label: string, host: Pick<Host, "run">): Promise<string[]> {
  return await devicesWith(`LABEL=${label}`, host);
}

/** The same by UUID: several if a disk and its copy are attached. */
export async function devicesByUuid(uuid: string, host: Pick<Host, "run">): Promise<string[]> {
  return await devicesWith(`UUID=${uuid}`, host);
}

async function devicesWith(token: string, host: Pick<Host, "run">): Promise<string[]> {
  const argv = cmd`blkid --cache-file /dev/null --match-token ${token} --output device`;
  const { stdout } = await host.run(argv, { check: false }); // 2: not found
  return stdout.split("\n").filter((path) => path !== "");
}
