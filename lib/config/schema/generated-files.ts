import { join } from "node:path";
import { PATH, UNIT } from "../../tools/host/paths.ts";
import { decodeContent } from "./content.ts";
import type { CloudConfig } from "./schema.ts";

/** A file that is generated from settings, unless the user writes it by `write_files`. */
export interface GeneratedFile {
  readonly path: string;
  /** The settings in the file, as a user writes them. */
  readonly keys: readonly string[];
  /** Alternative paths for the user's settings; a directory ends in a slash. */
  readonly instead?: readonly string[];
  /** The service that reads the file only at its start. */
  readonly service?: string;
}

/** All files that are generated from settings, or by the boot, and that users may want to write themselves. */
export const GENERATED = {
  cloudSources: { path: "/etc/conf.d/cloud-config", keys: ["k3os.data_sources"] },
  sysctls: { path: "/etc/sysctl.d/95-k3os-config.conf", keys: ["k3os.sysctls"] },
  hostname: { path: "/etc/hostname", keys: ["hostname"] },
  hosts: { path: "/etc/hosts", keys: ["hostname"] },
  timezone: { path: "/etc/timezone", keys: ["k3os.timezone"] },
  localTime: { path: "/etc/localtime", keys: ["k3os.timezone"] },
  connman: {
    path: "/etc/connman/main.conf",
    keys: ["k3os.dns_nameservers", "k3os.ntp_servers"],
    service: "connman.service",
  },
  timesync: {
    path: "/etc/systemd/timesyncd.conf.d/50-k3os-config.conf",
    keys: ["k3os.ntp_servers"],
    instead: ["/etc/systemd/timesyncd.conf", "/etc/systemd/timesyncd.conf.d/"],
    service: "systemd-timesyncd.service",
  },
  resolver: { path: "/etc/resolv.conf", keys: ["k3os.dns_nameservers"] },
  wifiNetworks: { path: "/var/lib/connman/cloud-config.config", keys: ["k3os.wifi"] },
  wifiSettings: { path: "/var/lib/connman/settings", keys: ["k3os.wifi"] },
  password: { path: "/etc/shadow", keys: ["k3os.password"] },
  sshKeys: { path: "/home/rancher/.ssh/authorized_keys", keys: ["ssh_authorized_keys"] },
  sshKeysTimer: { path: "/etc/systemd/system/k3os-ssh-keys.timer", keys: ["k3os.ssh_keys_refresh"] },
  sshKeysRefresh: {
    path: "/etc/systemd/system/k3os-ssh-keys.timer.d/50-k3os-config.conf",
    keys: ["k3os.ssh_keys_refresh"],
  },
  sshServer: {
    path: "/etc/ssh/sshd_config",
    keys: [],
    instead: ["/etc/ssh/sshd_config.d/"],
    service: "ssh.service",
  },
  environment: { path: "/etc/environment", keys: ["k3os.environment"] },
  serviceEnvironment: {
    path: "/etc/systemd/system.conf.d/50-k3os-environment.conf",
    keys: ["k3os.environment"],
  },
  k3sEnvironment: {
    path: PATH.k3sEnvironment,
    keys: ["k3os.server_url", "k3os.token"],
    service: UNIT.k3s,
  },
  k3sConfig: {
    path: "/etc/rancher/k3s/config.yaml.d/50-k3os.yaml",
    keys: ["k3os.k3s_config", "k3os.registries.embedded"],
    service: UNIT.k3s,
  },
  registries: {
    path: "/etc/rancher/k3s/registries.yaml",
    keys: ["k3os.registries.mirrors", "k3os.registries.configs"],
    service: UNIT.k3s,
  },
  k3sService: {
    path: `/etc/systemd/system/${UNIT.k3s}`,
    keys: ["k3os.k3s_args", "k3os.labels", "k3os.taints"],
    service: UNIT.k3s,
  },
  issue: { path: "/etc/issue", keys: [] },
  motd: { path: "/etc/motd", keys: [] },
} as const satisfies Readonly<Record<string, GeneratedFile>>;

type Written = Pick<CloudConfig, "writeFiles">;

/** The absolute path of an entry of `write_files`: as in the original, a relative one starts at `/`. */
export function writtenPath(path: string): string {
  return join("/", path);
}

/** The index in `write_files` of the last entry that replaces a generated file; -1 if there is none. */
export function writtenBy(file: GeneratedFile, { writeFiles = [] }: Written): number {
  return writeFiles.findLastIndex(({ path }) => standsFor(writtenPath(path), file));
}

/** Whether the user writes a file with exactly the path of a generated file. */
export function isWrittenItself(file: GeneratedFile, { writeFiles = [] }: Written): boolean {
  return writeFiles.some(({ path }) => writtenPath(path) === file.path);
}

/**
 * The text that the user writes to exactly the path of a generated file; undefined if there is none or it cannot be
 * decoded.
 */
export function writtenText(file: GeneratedFile, { writeFiles = [] }: Written): string | undefined {
  const entry = writeFiles.findLast(({ path }) => writtenPath(path) === file.path);
  if (entry === undefined) return undefined;
  try {
    return Buffer.from(decodeContent(entry.content ?? "", entry.encoding ?? "")).toString();
  } catch {
    return undefined; // reported when the file is written
  }
}

/** The generated file with this path, or with this path as an alternative. */
export function generatedAt(path: string): GeneratedFile | undefined {
  return Object.values(GENERATED).find((file) => standsFor(path, file));
}

function standsFor(path: string, { path: own, instead = [] }: GeneratedFile): boolean {
  return (
    path === own || instead.some((other) => (other.endsWith("/") ? path.startsWith(other) : path === other))
  );
}
