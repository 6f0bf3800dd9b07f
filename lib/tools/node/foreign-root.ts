import { locateFile } from "../fs/links.ts";

/**
 * A root file system that is not ours, over which our tarball was unpacked: a board's own Linux, whose kernel starts our
 * `/sbin/init`. The tarball, `k3os overlay` and the boot share what is here.
 */

/** Links at the root of the tarball and the ISO, path → target (legacy layout, `/sbin`). */
export const FOREIGN_ROOT_LINKS: Readonly<Record<string, string>> = {
  "sbin/init": "k3os",
  "sbin/k3os": "/k3os/system/k3os/current/k3os",
  "sbin/k3s": "/k3os/system/k3s/current/k3s",
  "sbin/kubectl": "k3s",
  "sbin/crictl": "k3s",
  "sbin/ctr": "k3s",
};

/** What `k3os overlay apply` calls a program whose name it needs: it stays beside it, so that relative links go on to work. */
export const KEPT_SUFFIX = ".before-k3os";

/** Init programs that are not `/sbin/init` themselves: what that was a link to, where tar has written over it. */
const INIT_PROGRAMS: readonly { readonly path: string; readonly only?: string }[] = [
  { path: "usr/lib/systemd/systemd" },
  { path: "lib/systemd/systemd" },
  { path: "sbin/openrc-init" },
  { path: "sbin/runit-init" },
  // which is on many systems that it does not start
  { path: "bin/busybox", only: "etc/inittab" },
];

/**
 * The program that started a root file system before we did, as a path below it: what was kept, or else what `/sbin/init`
 * usually is a link to. Undefined if there is none.
 */
export function oldInit(root: string): string | undefined {
  const candidates = [{ path: `sbin/init${KEPT_SUFFIX}`, only: undefined }, ...INIT_PROGRAMS];
  const isThere = (path: string) => locateFile(root, path) !== undefined;
  const found = candidates.find(({ path, only }) => isThere(path) && (only === undefined || isThere(only)));
  return found && `/${found.path}`;
}
