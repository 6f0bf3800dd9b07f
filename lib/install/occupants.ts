import { type Content, probe } from "../tools/disk/blkid.ts";
import { FIRST_PARTITION, type FoundPartition, readTable } from "../tools/disk/partitions.ts";
import type { Host } from "../tools/host/host.ts";
import { LABEL } from "../tools/host/paths.ts";
import { formatBytes } from "../tools/terminal/progress.ts";
import { messageOf } from "../tools/text/errors.ts";

/** Something found on a disk. */
export interface Occupant {
  /** Node of the disk or of its partition. */
  readonly path: string;
  /** `ext4 file system "data"`, `LVM2_member`, `partition of 1.0 GiB without a known file system`. */
  readonly what: string;
  /** k3OS created it: it may be replaced without consent. */
  readonly ours: boolean;
}

/** The content of a disk. */
export interface DiskContent {
  readonly occupants: readonly Occupant[];
  /** The partitions of its table, even if their nodes are missing. */
  readonly partitions: readonly FoundPartition[];
}

/** Reads the content of a disk: its own signatures, its partition table, and each partition's signatures. */
export async function readDisk(disk: string, host: Pick<Host, "run">): Promise<DiskContent> {
  const content = await probe(disk, host);
  if (content.kind === "nothing") return { occupants: [], partitions: [] };
  const partitions = await readTable(disk, host).catch(messageOf); // no table, or a damaged one
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
    // with the table of a larger disk, a partition may lie behind the end
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
 * The description of a partition. One without a file system only counts as ours if it is at the position of an
 * installation's layout: an installation interrupted between partitioning and formatting leaves that.
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
