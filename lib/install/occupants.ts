import { type Content, probe } from "../tools/disk/blkid.ts";
import { FIRST_PARTITION, type FoundPartition, readTable } from "../tools/disk/partitions.ts";
import type { Host } from "../tools/host/host.ts";
import { LABEL } from "../tools/host/paths.ts";
import { formatBytes } from "../tools/terminal/progress.ts";
import { messageOf } from "../tools/text/errors.ts";

/** Something that lies on a disk. */
export interface Occupant {
  /** Node of the disk or of its partition. */
  readonly path: string;
  /** `ext4 file system "data"`, `LVM2_member`, `partition of 1.0 GiB without a known file system`. */
  readonly what: string;
  /** k3OS put it there: it may be replaced without asking. */
  readonly ours: boolean;
}

/** What is written on a disk. */
export interface DiskContent {
  readonly occupants: readonly Occupant[];
  /** Those of its partition table, also where their nodes are missing. */
  readonly partitions: readonly FoundPartition[];
}

/** Reads what lies on a disk: its own signatures, its partition table, and each partition's. */
export async function readDisk(disk: string, host: Pick<Host, "run">): Promise<DiskContent> {
  const content = await probe(disk, host);
  if (content.kind === "nothing") return { occupants: [], partitions: [] };
  const partitions = await readTable(disk, host).catch(messageOf); // there is none, or a damaged one
  const found = typeof partitions === "string" ? [] : partitions;
  if (content.kind !== "table") return { occupants: [occupant(disk, content)], partitions: found };
  const whole = (what: string) => ({ occupants: [{ path: disk, what, ours: false }], partitions: found });
  if (content.table !== "dos" && content.table !== "gpt") {
    return whole(`partition table of type "${content.table}"`);
  }
  if (typeof partitions === "string") {
    return whole(`partition table of type "${content.table}" that cannot be read: ${partitions}`);
  }
  const occupants: Occupant[] = [];
  for (const partition of partitions) {
    // one may lie behind the end of the disk, when the table is that of a larger one
    const inside = await probe(disk, host, partition).catch(() => undefined);
    occupants.push(
      inside === undefined
        ? { path: partition.path, what: "partition that cannot be read", ours: false }
        : partitionOccupant(partition, partitions, inside),
    );
  }
  return { occupants, partitions };
}

/**
 * What a partition is. One without a file system counts as ours only where it lies as an installation lays it out:
 * that is what remains when one was interrupted between partitioning and formatting.
 */
export function partitionOccupant(
  partition: FoundPartition,
  all: readonly FoundPartition[],
  content: Content,
): Occupant {
  if (content.kind === "ambiguous" || content.kind === "data") return occupant(partition.path, content);
  const size = formatBytes(partition.size);
  const what = `partition of ${size} without a known file system`;
  const named = partition.name === LABEL.state || partition.name === LABEL.esp;
  const alone = all.length === 1 && partition.start === FIRST_PARTITION && partition.name === undefined;
  return { path: partition.path, what, ours: content.kind === "nothing" && (named || alone) };
}

function occupant(path: string, content: Content): Occupant {
  if (content.kind !== "data") return { path, what: "signatures of several file systems", ours: false };
  const { type, label } = content;
  const ours = (type === "ext4" && label === LABEL.state) || (type === "vfat" && label === LABEL.esp);
  return { path, what: label === undefined ? type : `${type} file system "${label}"`, ours };
}
