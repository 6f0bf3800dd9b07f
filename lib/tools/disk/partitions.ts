import { MIB } from "../fs/size.ts";
import { cmd } from "../host/cmd.ts";
import type { Host } from "../host/host.ts";
import { LABEL } from "../host/paths.ts";
import { CommandError } from "../text/errors.ts";

/** A partition to create. Start and size in bytes. */
export interface PlannedPartition {
  readonly number: number;
  readonly name: string;
  readonly start: number;
  readonly size: number;
  /** In the form of sfdisk(8): hexadecimal for msdos, GUID for gpt. */
  readonly type: string;
  readonly bootable: boolean;
}

/** A partition table to create. */
export interface Layout {
  readonly table: "dos" | "gpt";
  readonly partitions: readonly PlannedPartition[];
}

/** Partitions begin at 1 MiB: this is aligned on every disk, and leaves space for GRUB's core image. */
export const FIRST_PARTITION = MIB;

const LINUX_DOS = "83";
// https://uapi-group.org/specifications/specs/discoverable_partitions_specification/
const ESP_GUID = "C12A7328-F81F-11D2-BA4B-00A0C93EC93B";
const LINUX_GUID = "0FC63DAF-8483-4772-8E79-3D69D8477DE4";

/** BIOS: an msdos table with one bootable partition. */
export function biosLayout(stateSize: number): Layout {
  return {
    table: "dos",
    partitions: [
      {
        number: 1,
        name: LABEL.state,
        start: FIRST_PARTITION,
        size: stateSize,
        type: LINUX_DOS,
        bootable: true,
      },
    ],
  };
}

/** UEFI: a gpt table with an EFI system partition and the state partition. */
export function efiLayout(stateSize: number, sectorSize: number): Layout {
  const esp = espSize(sectorSize);
  return {
    table: "gpt",
    partitions: [
      { number: 1, name: LABEL.esp, start: FIRST_PARTITION, size: esp, type: ESP_GUID, bootable: false },
      {
        number: 2,
        name: LABEL.state,
        start: FIRST_PARTITION + esp,
        size: stateSize,
        type: LINUX_GUID,
        bootable: false,
      },
    ],
  };
}

/** FAT32 has at least 65,525 clusters, each no smaller than a sector: on a disk with 4 KiB sectors that takes 256 MiB. */
function espSize(sectorSize: number): number {
  return sectorSize > 512 ? 300 * MIB : 50 * MIB;
}

/**
 * The bytes of the disk that a layout needs: up to the end of its last partition, and the backup of a gpt behind it.
 */
export function layoutSize({ partitions }: Layout): number {
  return Math.max(...partitions.map(({ start, size }) => start + size)) + MIB;
}

/** The input for sfdisk(8) to write a layout in one step. */
export function sfdiskScript({ table, partitions }: Layout): string {
  const lines = partitions.map(({ name, start, size, type, bootable }) => {
    const fields = [`start=${start / MIB}MiB`, `size=${size / MIB}MiB`, `type=${type}`];
    if (table === "gpt") fields.push(`name=${name}`);
    if (bootable) fields.push("bootable");
    return fields.join(", ");
  });
  return `label: ${table}\n${lines.join("\n")}\n`;
}

/** The node of a partition: `/dev/sda1`, but `/dev/nvme0n1p1` where the disk's name ends in a digit. */
export function partitionPath(disk: string, number: number): string {
  return `${disk}${/\d$/.test(disk) ? "p" : ""}${number}`;
}

/** A partition found on the disk. Start and size in bytes. */
export interface FoundPartition {
  readonly path: string;
  readonly start: number;
  readonly size: number;
  /** Name in a gpt table. */
  readonly name: string | undefined;
}

/** Reads the partition table of a disk; it must exist. */
export async function readTable(disk: string, host: Pick<Host, "run">): Promise<FoundPartition[]> {
  const { stdout } = await host.run(cmd`sfdisk --json ${disk}`);
  return parseSfdisk(stdout);
}

/** Parses `sfdisk --json`. Throws CommandError for any other text. */
export function parseSfdisk(json: string): FoundPartition[] {
  const { partitiontable: table } = JSON.parse(json) as { partitiontable?: RawTable };
  if (table === undefined) throw new CommandError('sfdisk printed no "partitiontable"');
  const { sectorsize = 512 } = table;
  return (table.partitions ?? []).map(({ node, start, size, name }) => {
    return { path: node, start: start * sectorsize, size: size * sectorsize, name };
  });
}

interface RawTable {
  readonly sectorsize?: number;
  readonly partitions?: readonly {
    readonly node: string;
    readonly start: number;
    readonly size: number;
    readonly name?: string;
  }[];
}
