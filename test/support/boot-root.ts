import { spawnSync } from "node:child_process";

export interface RootBoot {
  /** What the kernel would pass to process 1. */
  readonly args?: readonly string[];
  /** A directory that takes the place of `/k3os/system`; default: the root's own. */
  readonly system?: string;
}

/**
 * Starts `/sbin/init` of a root, which has `/bin/busybox` and an empty `/old`, as process 1 in namespaces of its own: what
 * the kernel of a board does that has unpacked the tarball. Returns all that it prints, however it ends.
 */
export function bootRoot(root: string, { args = [], system }: RootBoot = {}): string {
  const lines = [
    'mount --bind "$1" "$1" && cd "$1"',
    ...(system === undefined ? [] : ['mount --bind "$2" k3os/system']),
    "pivot_root . old",
    "shift 2",
    `exec /bin/busybox sh -c '/bin/busybox umount -l /old && exec /sbin/init "$@"' sh "$@"`,
  ];
  const argv = ["--fork", "--pid", "--mount", "--uts", "--ipc", "--net", "sh", "-c", lines.join(" && ")];
  // a restart, which ends every failed boot, ends the namespace by a signal
  const { stdout, stderr } = spawnSync("unshare", [...argv, "sh", root, system ?? "", ...args], {
    encoding: "utf8",
    timeout: 60_000,
  });
  return stdout + stderr;
}
