import { join } from "node:path";

/** File system labels. */
export const LABEL = {
  /** ext4 holding the installed system and all its data. */
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
  /** State that k3OS itself keeps across boots (host name, machine id, ssh keys, boot journals). */
  localState: "/var/lib/rancher/k3os",
  /** What a machine without a configured name is called: made up at its first boot, or given by DHCP. */
  keptHostname: "/var/lib/rancher/k3os/hostname",
  /** What starts that failed have said. */
  failures: "/var/lib/rancher/k3os/failed",
  metadata: "/run/config",
  metadataHostname: "/run/config/local_hostname",
  metadataKeys: "/run/config/ssh/authorized_keys",
  userdata: "/run/config/userdata",
  runtime: "/run/k3os",
  mode: "/run/k3os/mode",
  /** There once DHCP was asked for a name in this boot; empty if it had none. */
  dhcpHostname: "/run/k3os/dhcp-hostname",
  /** What somebody has put into the initrd, until the first commands of the configuration have run. */
  injected: "/run/k3os/initrd",
  target: "/run/k3os/target",
  medium: "/run/k3os/iso",
  /** The URL that the medium was fetched from by the boot, if it was. */
  mediumUrl: "/run/k3os/iso-url",
  /** What is to be remembered of the release that names that medium, if it is signed. */
  mediumRelease: "/run/k3os/release.json",
  kernelMount: "/run/k3os/kernel",
  /** The installer's own mount points and lock; nothing else mounts below it. */
  installDir: "/run/k3os/install",
  /** A static shell that outlives the initrd: there for any failure of the boot, whatever root is mounted. */
  rescueShell: "/run/k3os/busybox",
  /** What this boot has made of the configuration, and what the versions that are kept achieve of it (lib/tools/node/applied.ts). */
  outcome: "/run/k3os/applied.json",
  applied: "/var/lib/rancher/k3os/applied.json",
  /** Held while an upgrade runs; the original's name, which its Plan passes. */
  upgradeLock: "/run/k3os/upgrade.lock",
  /** The image's settings of sshd alone, for when it refuses those of /etc/ssh. */
  imageSshd: "/run/k3os/sshd_config",
  cmdline: "/proc/cmdline",
  osRelease: "/usr/lib/os-release",
  /** There while udevd runs. */
  udevControl: "/run/udev/control",
  /** GRUB's modules, one directory per platform. */
  grubLibrary: "/usr/lib/grub",
  /** The state file system during boot, seen from the running root. */
  base: "/.base",
} as const;

/** Markers below `/k3os/system` of the state file system; their meaning is the original's. */
export const MARKER = {
  growpart: "growpart",
  takeover: "takeover",
  poweroff: "poweroff",
  factoryReset: "factory-reset",
  ephemeral: "ephemeral",
} as const;

/**
 * Markers of a reset at the next start. The list of what is kept has a file of its own: the original, whose initrd may still
 * start this machine, does not know it, while it would delete everything for whatever is called `factory-reset`.
 */
export const RESET = { everything: MARKER.factoryReset, keeping: "factory-reset.json" } as const;

/** Services that others have to know by name. */
export const UNIT = { apply: "ccapply.service", k3s: "k3s-service.service" } as const;

/** Names of files inside the version directories. */
export const FILE = {
  executable: "k3os",
  rootSquashfs: "k3os.squashfs",
  kernelSquashfs: "kernel.squashfs",
  initrd: "initrd",
  /** In the initrd: drivers of network cards. */
  networkDrivers: "network.squashfs",
} as const;

/** The components of a generation, in the order in which they are switched. */
export const COMPONENTS = ["k3os", "k3s", "kernel"] as const;
export type Component = (typeof COMPONENTS)[number];

/** An absolute path of the system, below the root that the host works on. */
export function inRoot(host: { readonly root: string }, path: string): string {
  return host.root === "/" ? path : join(host.root, path);
}
