import { join } from "node:path";

/** File system labels. */
export const LABEL = {
  /** The ext4 file system of the installed system and all its data. */
  state: "K3OS_STATE",
  /** FAT32 EFI system partition that the installer makes. */
  esp: "K3OS_GRUB",
  /** The installation medium (ISO 9660 volume id). */
  medium: "K3OS",
} as const;

/** Paths of a running system; every use goes through {@link inRoot}. */
export const PATH = {
  system: "/k3os/system",
  systemConfig: "/k3os/system/config.yaml",
  localConfig: "/var/lib/rancher/k3os/config.yaml",
  localConfigDir: "/var/lib/rancher/k3os/config.d",
  /** A file of config.d that is being tried (lib/tools/node/tried-config.ts). */
  triedConfig: "/var/lib/rancher/k3os/tried.json",
  /** State that k3OS keeps across boots (host name, machine id, SSH keys, boot journals). */
  localState: "/var/lib/rancher/k3os",
  /** The host name of a machine without a configured name: generated at the first boot, or received by DHCP. */
  keptHostname: "/var/lib/rancher/k3os/hostname",
  /** The messages of failed boots. */
  failures: "/var/lib/rancher/k3os/failed",
  metadata: "/run/config",
  metadataHostname: "/run/config/local_hostname",
  metadataKeys: "/run/config/ssh/authorized_keys",
  userdata: "/run/config/userdata",
  runtime: "/run/k3os",
  mode: "/run/k3os/mode",
  /** Of the overlay at /etc: its changes in this boot. */
  etcChanges: "/run/k3os/etc",
  /** Exists once DHCP was queried for a name in this boot; empty without a name. */
  dhcpHostname: "/run/k3os/dhcp-hostname",
  /** There if the runtime phase changes nothing for k3s, so that k3os-k3s-start.service need not wait for it. */
  earlyK3s: "/run/k3os/early-k3s",
  /** Files that a user has added to the initrd, until the first commands of the configuration have run. */
  injected: "/run/k3os/initrd",
  target: "/run/k3os/target",
  medium: "/run/k3os/iso",
  /** The URL that the boot downloaded the medium from, if it did. */
  mediumUrl: "/run/k3os/iso-url",
  /** The record to keep of the release that lists this medium, if it is signed. */
  mediumRelease: "/run/k3os/release.json",
  kernelMount: "/run/k3os/kernel",
  /** The installer's own mount points and lock; no other code mounts below it. */
  installDir: "/run/k3os/install",
  /** A static shell that outlives the initrd, available for any failure of the boot with any root mounted. */
  rescueShell: "/run/k3os/busybox",
  /**
   * The outcome of the configuration in this boot, and under the versions that are kept (lib/tools/node/applied.ts).
   */
  outcome: "/run/k3os/applied.json",
  applied: "/var/lib/rancher/k3os/applied.json",
  /** The databases of a k3s server: SQLite's files, or the directory `etcd`. */
  datastore: "/var/lib/rancher/k3s/server/db",
  /** Copies of SQLite's files from before an upgrade of k3s, one directory per version that had them. */
  datastoreCopies: "/var/lib/rancher/k3os/datastore",
  /** Locked while an upgrade runs; the original's name, which its Plan passes. */
  upgradeLock: "/run/k3os/upgrade.lock",
  /** The image's own settings of sshd, for use when sshd refuses those of /etc/ssh. */
  imageSshd: "/run/k3os/sshd_config",
  /** The administrator's kubeconfig, which k3s writes at each start of a server. */
  adminKubeconfig: "/etc/rancher/k3s/k3s.yaml",
  /** The same in the data of a server, wherever `--write-kubeconfig` puts the other. */
  keptAdminKubeconfig: "/var/lib/rancher/k3s/server/cred/admin.kubeconfig",
  /** The kubelet's kubeconfig, of servers and agents. */
  kubeletKubeconfig: "/var/lib/rancher/k3s/agent/kubelet.kubeconfig",
  /** Variables of the k3s service: the URL of the server that it joins, and the token. */
  k3sEnvironment: "/etc/rancher/k3s/k3s-service.env",
  /** Manifests of the image, and the directory of those that k3s reads. */
  shippedManifests: "/usr/share/rancher/k3s/server/manifests",
  manifests: "/var/lib/rancher/k3s/server/manifests",
  cmdline: "/proc/cmdline",
  osRelease: "/usr/lib/os-release",
  /** Exists while udevd runs. */
  udevControl: "/run/udev/control",
  /** GRUB's modules, one directory per platform. */
  grubLibrary: "/usr/lib/grub",
  /** The state file system during boot, as a path in the running root. */
  base: "/.base",
} as const;

/** Markers below `/k3os/system` of the state file system, with the meaning of the original. */
export const MARKER = {
  growpart: "growpart",
  takeover: "takeover",
  poweroff: "poweroff",
  factoryReset: "factory-reset",
  ephemeral: "ephemeral",
} as const;

/**
 * Markers of a reset at the next boot. The list of kept paths has a separate file: the original, whose initrd may still
 * boot this machine, does not know it, and would delete everything for any file named `factory-reset`.
 */
export const RESET = { everything: MARKER.factoryReset, keeping: "factory-reset.json" } as const;

/** Services and timers that other code refers to by name. */
export const UNIT = {
  apply: "ccapply.service",
  k3s: "k3s-service.service",
  operator: "k3os-operator.service",
  /** Takes a tried configuration back; exists only while one is tried. */
  takeBack: "k3os-config-revert.timer",
} as const;

/** Names of files inside the version directories. */
export const FILE = {
  executable: "k3os",
  rootSquashfs: "k3os.squashfs",
  k3s: "k3s",
  kernelSquashfs: "kernel.squashfs",
  initrd: "initrd",
  /** In the initrd: drivers of network cards. */
  networkDrivers: "network.squashfs",
} as const;

/** The components of a generation, in the order of the switch. */
export const COMPONENTS = ["k3os", "k3s", "kernel"] as const;
export type Component = (typeof COMPONENTS)[number];

/** An absolute system path, below the root of the host. */
export function inRoot(host: { readonly root: string }, path: string): string {
  return host.root === "/" ? path : join(host.root, path);
}
