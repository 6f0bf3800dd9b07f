import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { type RunResult, runProgram } from "../../lib/tools/host/host.ts";
import type { ImageConfig } from "./oci.ts";

export interface ContainerOptions {
  /** A root of a machine that the container gets as /host, its /k3os/system read-only as on a node; and /proc. */
  readonly host?: string;
}

/**
 * Runs a program as process 2 of a container: in the root of an unpacked image, with nothing but what the image brings, its
 * environment, and namespaces of its own. They end with it; a restart of the machine from inside would end only them.
 */
export async function runImage(
  root: string,
  { config }: Pick<ImageConfig, "config">,
  argv: readonly string[],
  { host }: ContainerOptions = {},
): Promise<RunResult> {
  if (host !== undefined)
    for (const name of ["host", "proc"]) mkdirSync(join(root, name), { recursive: true });
  const script = [
    'mount --bind "$1" "$1"',
    ...(host === undefined ? [] : MOUNT_HOST),
    'cd "$1"',
    "shift 2",
    '"$@"', // not exec: process 1 is protected from signals, a container's need not be
  ];
  return await runProgram(
    [
      ...["unshare", "--mount", "--pid", "--fork", "--kill-child"],
      ...["sh", "-e", "-c", script.join("\n"), "sh", root, host ?? ""],
      // busybox looks the program up in the new root by the image's PATH, as a runtime does
      ...["env", "-i", ...config.Env, "/bin/busybox", "chroot", ".", ...argv],
    ],
    { check: false },
  );
}

const MOUNT_HOST = [
  'mount --bind "$2" "$2"',
  'mount --bind "$2/k3os/system" "$2/k3os/system"',
  'mount -o remount,ro,bind "$2/k3os/system"',
  'mount --rbind "$2" "$1/host"',
  'mount -t proc proc "$1/proc"',
];
