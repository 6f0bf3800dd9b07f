import { locateFile } from "../fs/links.ts";

/**
 * A foreign root file system that our tarball was unpacked over: a board's own Linux, whose kernel starts our
 * `/sbin/init`. The tarball, `k3os overlay` and the boot share this module.
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

/**
 * The suffix by which `k3os overlay apply` renames a program whose name it needs. The directory stays the same, so that
 * relative links still work.
 */
export const KEPT_SUFFIX = ".before-k3os";

/** Init programs other than `/sbin/init`: the usual targets of its link, for roots where tar has overwritten it. */
const INIT_PROGRAMS: readonly { readonly path: string; readonly only?: string }[] = [
  { path: "usr/lib/systemd/systemd" },
  { path: "lib/systemd/systemd" },
  { path: "sbin/openrc-init" },
  { path: "sbin/runit-init" },
  // also present on many systems that do not boot with it
  { path: "bin/busybox", only: "etc/inittab" },
];

/**
 * The previous init program of a root file system, as a path below it: the kept one, or else the usual target of
 * `/sbin/init`. Undefined if there is none.
 */
export function oldInit(root: string): string | undefined {
  const candidates = [{ path: `sbin/init${KEPT_SUFFIX}`, only: undefined }, ...INIT_PROGRAMS];
  const isThere = (path: string) => locateFile(root, path) !== undefined;
  const found = candidates.find(({ path, only }) => isThere(path) && (only === undefined || isThere(only)));
  return found && `/${found.path}`;
}
