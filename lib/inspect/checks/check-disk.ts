import { accessSync, constants, existsSync, readFileSync, statfsSync } from "node:fs";
import { splitCmdline } from "../../config/read/cmdline.ts";
import { devicesByLabel, devicesByUuid, probe } from "../../tools/disk/blkid.ts";
import { STATE_WORD } from "../../tools/disk/grub.ts";
import { mountOf } from "../../tools/disk/mount.ts";
import { MIB } from "../../tools/fs/size.ts";
import type { Host } from "../../tools/host/host.ts";
import { inRoot, LABEL, PATH } from "../../tools/host/paths.ts";
import { formatBytes } from "../../tools/terminal/progress.ts";
import { defineCheck, type Verdict } from "../doctor-check.ts";
import { type DiskState, diskAt, readMounts } from "../node-facts.ts";

interface Inodes {
  /** 0 if the file system creates inodes on demand. */
  readonly inodes: number;
  readonly freeInodes: number;
}

export const stateDisk = defineCheck({
  name: "disk",
  only: "installed",
  facts: (host) => {
    const disk = diskAt("/", readMounts(host), host);
    const { files: inodes, ffree: freeInodes } = statfsSync(inRoot(host, "/"));
    return disk && { ...disk, inodes, freeInodes };
  },
  judge: judgeDisk,
});

/**
 * Fractions of the total: k3s makes the kubelet evict pods if less than 5 % is free.
 * https://github.com/k3s-io/k3s/blob/main/pkg/daemons/agent/agent.go
 */
const EVICTED = 0.05;
const TIGHT = 0.1;
/** Bytes that an upgrade needs temporarily. */
const UPGRADE = 1024 * MIB;

export function judgeDisk(disk: DiskState & Inodes): Verdict {
  const { device, size, free, readOnly, inodes, freeInodes } = disk;
  const message = `${device}: ${formatBytes(free)} of ${formatBytes(size)} free`;
  const hint = "k3s crictl rmi --prune; journalctl --vacuum-size=100M";
  if (readOnly) {
    return {
      state: "failure",
      message: `${device} cannot be written to`,
      hint: "see dmesg for the reason; a reboot runs e2fsck",
    };
  }
  if (inodes > 0 && freeInodes / inodes < EVICTED) {
    return { state: "failure", message: `${message}, but only ${freeInodes} of ${inodes} inodes`, hint };
  }
  if (free / size < EVICTED) return { state: "failure", message: `${message}: pods are evicted`, hint };
  if (free / size < TIGHT || free < UPGRADE) return { state: "warning", message, hint };
  return { state: "ok", message };
}

export const systemReadOnly = defineCheck({
  name: "/k3os/system",
  only: "installed",
  facts: (host) => mountOf(PATH.system, readMounts(host)),
  judge: judgeSystemMount,
});

export function judgeSystemMount({ readOnly, target }: { readOnly: boolean; target: string }): Verdict {
  if (readOnly && target === PATH.system) return { state: "ok", message: "read-only" };
  const hint = `unless an upgrade runs: mount -o remount,bind,ro ${PATH.system}`;
  return { state: "warning", message: "can be written to", hint };
}

/** The properties by which the next boot finds its disk. */
export interface DiskIdentity {
  /** The disk of the running system. */
  readonly device: string;
  /** Other devices with the label of an installed system, and others with the same UUID: copies. */
  readonly labelled: readonly string[];
  readonly copies: readonly string[];
  /** The boot menu has named the disk. */
  readonly named: boolean;
}

export const diskIdentity = defineCheck({
  name: "disk label",
  only: "installed",
  facts: async (host) => {
    const device = diskAt("/", readMounts(host), host)?.device;
    if (device === undefined || !existsSync(inRoot(host, device))) return undefined; // a board's /dev/root
    accessSync(inRoot(host, device), constants.R_OK);
    const content = await probe(device, host);
    // a board's own root has another label, and is not found by it
    if (content.kind !== "data" || content.label !== LABEL.state || content.uuid === undefined)
      return undefined;
    const others = (paths: readonly string[]) =>
      paths.filter((path) => path !== device && !path.startsWith("/dev/loop"));
    return {
      device,
      labelled: others(await devicesByLabel(LABEL.state, host)),
      copies: others(await devicesByUuid(content.uuid, host)),
      named: isNamed(host),
    };
  },
  judge: judgeIdentity,
});

function isNamed(host: Pick<Host, "root">): boolean {
  const words = splitCmdline(readFileSync(inRoot(host, PATH.cmdline), "utf8"));
  return words.some(({ name }) => name === STATE_WORD);
}

export function judgeIdentity({ device, labelled, copies, named }: DiskIdentity): Verdict {
  if (copies.length > 0) {
    return {
      state: "failure",
      message: `${copies.join(", ")} has the same UUID as ${device}: the next boot cannot tell which one to use`,
      hint: `detach the copy, or: tune2fs -U random ${copies[0]}`,
    };
  }
  if (labelled.length === 0) return { state: "ok", message: `${device} alone is labelled ${LABEL.state}` };
  const message = `${labelled.join(", ")} is labelled ${LABEL.state}, as ${device} is`;
  const hint = `if it needs no such label: e2label ${labelled[0]} NAME`;
  if (named) return { state: "warning", message: `${message}; the boot menu tells them apart`, hint };
  return { state: "failure", message: `${message}: the next boot cannot tell which one to use`, hint };
}
