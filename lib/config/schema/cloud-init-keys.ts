const LOGIN = "ssh_authorized_keys and k3os.password, for the user rancher";
const PACKAGES = "a container, since /usr is read-only";
const NAME = "hostname";
const DISKS = "boot_cmd; the state partition grows automatically";
const COMMANDS = "run_cmd";
const HOST_KEYS = "nothing: the host's keys are made once and kept";
const NOTHING = "nothing: it has no meaning here";

/**
 * Top-level keys of cloud-init that k3OS does not have, and their equivalents here.
 * https://cloudinit.readthedocs.io/en/latest/reference/modules.html
 */
const REPLACEMENTS: Readonly<Record<string, string>> = {
  users: LOGIN,
  user: LOGIN,
  groups: LOGIN,
  chpasswd: LOGIN,
  ssh_pwauth: LOGIN,
  disable_root: LOGIN,
  ssh_import_id: "ssh_authorized_keys: github:USER",
  ssh_keys: HOST_KEYS,
  ssh_deletekeys: HOST_KEYS,
  ssh_genkeytypes: HOST_KEYS,
  packages: PACKAGES,
  package_update: PACKAGES,
  package_upgrade: PACKAGES,
  package_reboot_if_required: PACKAGES,
  apt: PACKAGES,
  snap: PACKAGES,
  yum_repos: PACKAGES,
  fqdn: NAME,
  preserve_hostname: NAME,
  prefer_fqdn_over_hostname: NAME,
  create_hostname_file: NAME,
  manage_etc_hosts: `${NAME}, or /etc/hosts by write_files`,
  timezone: "k3os.timezone",
  locale: "write_files",
  keyboard: "write_files",
  ca_certs: "write_files",
  "ca-certs": "write_files",
  network: "a file in /var/lib/connman by write_files",
  ntp: "k3os.ntp_servers",
  resolv_conf: "k3os.dns_nameservers",
  manage_resolv_conf: "k3os.dns_nameservers",
  datasource: "k3os.data_sources",
  datasource_list: "k3os.data_sources",
  mounts: DISKS,
  swap: DISKS,
  disk_setup: DISKS,
  fs_setup: DISKS,
  growpart: DISKS,
  resize_rootfs: DISKS,
  power_state: COMMANDS,
  phone_home: COMMANDS,
  final_message: COMMANDS,
  ansible: COMMANDS,
  chef: COMMANDS,
  puppet: COMMANDS,
  salt_minion: COMMANDS,
  output: NOTHING,
  merge_how: NOTHING,
  system_info: NOTHING,
  cloud_init_modules: NOTHING,
  cloud_config_modules: NOTHING,
  cloud_final_modules: NOTHING,
  random_seed: NOTHING,
};

/** Whether cloud-init has this top-level key and k3OS does not. */
export function isCloudInitKey(key: string): boolean {
  return Object.hasOwn(REPLACEMENTS, key);
}

/** The replacements of cloud-init keys: `hostname for fqdn; run_cmd for power_state, phone_home`. */
export function insteadOf(keys: readonly string[]): string {
  const advice = new Map<string, string[]>();
  for (const key of keys) {
    const instead = REPLACEMENTS[key] ?? NOTHING;
    advice.set(instead, [...(advice.get(instead) ?? []), key]);
  }
  return [...advice].map(([instead, all]) => `for ${all.join(", ")}: ${instead}`).join("; ");
}
