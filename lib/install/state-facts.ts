import { probe } from "../tools/disk/blkid.ts";
import { GIB } from "../tools/fs/size.ts";
import { cmd } from "../tools/host/cmd.ts";
import type { Host } from "../tools/host/host.ts";

/** Bytes. */
export const MIN_DISK = 2 * GIB;

/** The target file system of an installation with no-format. */
export interface StateFacts {
  /** `ext4`, or another type; undefined: none. */
  readonly type: string | undefined;
  readonly label: string | undefined;
  readonly uuid: string | undefined;
  /** Bytes of the whole file system, and the free ones. */
  readonly size: number;
  readonly free: number;
}

/** The file system of a partition. */
export async function inspectState(path: string, host: Pick<Host, "run">): Promise<StateFacts> {
  const content = await probe(path, host);
  if (content.kind !== "data") {
    return { type: undefined, label: undefined, uuid: undefined, size: 0, free: 0 };
  }
  const { type, label, uuid } = content;
  if (!/^ext[234]$/.test(type)) return { type, label, uuid, size: 0, free: 0 };
  const { stdout } = await host.run(cmd`dumpe2fs -h ${path}`);
  return { type, label, uuid, ...parseDumpe2fs(stdout) };
}

/** Size and free space in bytes from the `Name: value` lines of dumpe2fs(8). */
export function parseDumpe2fs(text: string): { readonly size: number; readonly free: number } {
  const field = (name: string): number =>
    Number(new RegExp(`^${name}:\\s+(\\d+)$`, "m").exec(text)?.[1] ?? 0);
  const block = field("Block size");
  return { size: field("Block count") * block, free: field("Free blocks") * block };
}
