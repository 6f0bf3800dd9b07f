import { APPLET_LINKS } from "./applets.ts";

/** The executable, which selects its command by the name of the link. */
const EXECUTABLE = "/k3os/system/k3os/current/k3os";

/** Commands of the original's OpenRC and BusyBox that the executable replaces. */
const LEGACY_COMMANDS = [
  ...["sbin/service", "sbin/rc-service", "sbin/rc-update", "sbin/rc-status", "sbin/ifenslave", "sbin/apk"],
  ...["sbin/adduser", "sbin/addgroup", "sbin/deluser", "sbin/delgroup"],
];

/**
 * Symbolic links of the image, path below /usr → target. The commands among them lead to the current version of the
 * executable.
 */
export const LINKS: Readonly<Record<string, string>> = {
  // commands
  "sbin/k3os": EXECUTABLE,
  "sbin/update-issue": EXECUTABLE,
  "sbin/metadata": EXECUTABLE,
  "sbin/toolbox": EXECUTABLE,
  "sbin/k3os-upgrade-rootfs": EXECUTABLE,
  "sbin/k3os-upgrade-kernel": EXECUTABLE,
  // the paths of the original
  "share/rancher/k3os/scripts/k3os-upgrade-rootfs": EXECUTABLE,
  "share/rancher/k3os/scripts/k3os-upgrade-kernel": EXECUTABLE,
  "share/rancher/k3os/scripts/toolbox": EXECUTABLE,
  "libexec/k3os/install": EXECUTABLE,
  "sbin/k3s": "/k3os/system/k3s/current/k3s",
  // becomes the other one, unless no cluster can be reached
  "sbin/kubectl": EXECUTABLE,
  "libexec/k3os/kubectl": "/k3os/system/k3s/current/k3s",
  "sbin/crictl": "k3s",
  "sbin/ctr": "k3s",
  "bin/vim": "vim.tiny",
  "sbin/ether-wake": "etherwake",
  ...Object.fromEntries(LEGACY_COMMANDS.map((path) => [path, EXECUTABLE])),
  ...APPLET_LINKS,

  // Debian has only one copy of these files
  "share/zoneinfo/posix": ".",
  // as in the original, crond's tables are in /etc
  "share/k3os/var/spool/cron/crontabs": "/etc/crontabs",

  // paths of the read-only /usr that lead to the persistent /var
  local: "/var/local",
  "libexec/kubernetes": "/var/lib/rancher/k3s/agent/libexec/kubernetes",

  // /etc, with this initial content at every boot
  "etc/os-release": "../usr/lib/os-release",
  "etc/resolv.conf": "/run/connman/resolv.conf",
  "etc/mtab": "../proc/self/mounts",
  "etc/ssl/cert.pem": "certs/ca-certificates.crt",
  "etc/iscsi/initiatorname.iscsi": "/var/lib/iscsi/initiatorname.iscsi",
};

/** Links for the original's service scripts in /etc/init.d. */
export function serviceLinks(services: readonly string[]): Record<string, string> {
  return Object.fromEntries(services.map((name) => [`etc/init.d/${name}`, EXECUTABLE]));
}
