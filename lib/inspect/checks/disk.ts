import { statfsSync } from "node:fs";
import { mountOf } from "../../disk/mount.ts";
import { MIB } from "../../disk/size.ts";
import { inRoot, PATH } from "../../paths.ts";
import { formatBytes } from "../../progress.ts";
import { defineCheck, type Verdict } from "../check.ts";
import { type DiskState, diskAt, readMounts } from "../node.ts";

interface Inodes {
  /** 0 where the file system makes them as it needs them. */
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

/** Shares of what there is: k3s has the kubelet evict pods where less than 5 % is free. */
const EVICTED = 0.05;
const TIGHT = 0.1;
/** Bytes that an upgrade takes for a while. */
const UPGRADE = 1024 * MIB;

export function judgeDisk(disk: DiskState & Inodes): Verdict {
  const { device, size, free, readOnly, inodes, freeInodes } = disk;
  const message = `${device}: ${formatBytes(free)} of ${formatBytes(size)} free`;
  const hint = "k3s crictl rmi --prune; journalctl --vacuum-size=100M";
  if (readOnly) {
    return {
      state: "failure",
      message: `${device} cannot be written to`,
      hint: "dmesg tells why; restarting repairs what e2fsck can repair",
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
