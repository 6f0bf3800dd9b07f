/**
 * Symbolic links of the image, path below /usr → target. The commands among them lead to the current version of the
 * executable, which knows what it is from the link's name.
 */
export const LINKS: Readonly<Record<string, string>> = {
  // commands
  "sbin/k3os": "/k3os/system/k3os/current/k3os",
  "sbin/update-issue": "/k3os/system/k3os/current/k3os",
  "sbin/metadata": "/k3os/system/k3os/current/k3os",
  "sbin/toolbox": "/k3os/system/k3os/current/k3os",
  "sbin/k3os-upgrade-rootfs": "/k3os/system/k3os/current/k3os",
  "sbin/k3os-upgrade-kernel": "/k3os/system/k3os/current/k3os",
  // where the original has them
  "share/rancher/k3os/scripts/k3os-upgrade-rootfs": "/k3os/system/k3os/current/k3os",
  "share/rancher/k3os/scripts/k3os-upgrade-kernel": "/k3os/system/k3os/current/k3os",
  "share/rancher/k3os/scripts/toolbox": "/k3os/system/k3os/current/k3os",
  "libexec/k3os/install": "/k3os/system/k3os/current/k3os",
  "sbin/k3s": "/k3os/system/k3s/current/k3s",
  "sbin/kubectl": "k3s",
  "sbin/crictl": "k3s",
  "sbin/ctr": "k3s",
  "bin/vim": "vim.tiny",

  // what the read-only /usr leaves to the persistent /var
  local: "/var/local",
  "libexec/kubernetes": "/var/lib/rancher/k3s/agent/libexec/kubernetes",

  // /etc, which starts as this at every boot
  "etc/os-release": "../usr/lib/os-release",
  "etc/resolv.conf": "/run/connman/resolv.conf",
  "etc/mtab": "../proc/self/mounts",
  "etc/localtime": "/usr/share/zoneinfo/UTC",
  "etc/ssl/cert.pem": "certs/ca-certificates.crt",
  "etc/iscsi/initiatorname.iscsi": "/var/lib/iscsi/initiatorname.iscsi",
};
