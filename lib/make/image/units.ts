/**
 * The units that the service manager starts, as links `TARGET.wants/UNIT` in /usr/lib/systemd/system. Debian's packages
 * enable nearly all their units; none of these links is kept, so only this table and the units' own dependencies apply.
 */
export const WANTED_UNITS: Readonly<Record<string, readonly string[]>> = {
  "sysinit.target": ["systemd-timesyncd.service", "open-iscsi.service", "k3os-health.service"],
  "sockets.target": ["iscsid.socket", "dm-event.socket", "lvm2-lvmpolld.socket"],
  "timers.target": [
    "logrotate.timer",
    "fstrim.timer",
    "k3os-ssh-keys.timer",
    "k3os-k3s-download.timer",
    "k3os-operator.timer",
  ],
  "getty.target": ["getty@tty1.service"],
  "network-online.target": ["connman-wait-online.service"],
  // no RSA key: its generation takes seconds, and only clients from before 2014 need it; an existing one is used
  "ssh.service": ["ssh-host-key@ed25519.service", "ssh-host-key@ecdsa.service"],
  "multi-user.target": [
    "connman.service",
    "ssh.service",
    "cloud-config.service",
    "k3os-k3s-start.service",
    "ccapply.service",
    "local.service",
    "remote-fs.target",
    "open-vm-tools.service",
  ],
};

/**
 * Other names of units; a unit that D-Bus starts by its bus name needs one (`SystemdService=` or `dbus-NAME.service`).
 */
export const UNIT_ALIASES: Readonly<Record<string, string>> = {
  "default.target": "multi-user.target",
  "sshd.service": "ssh.service",
  "iscsi.service": "open-iscsi.service",
  // the names that k3s's own script gives it, whatever its role
  "k3s.service": "k3s-service.service",
  "k3s-agent.service": "k3s-service.service",
  "dbus-org.freedesktop.timesync1.service": "systemd-timesyncd.service",
  "dbus-fi.w1.wpa_supplicant1.service": "wpa_supplicant.service",
};

/**
 * Static dependencies (`TARGET.wants/UNIT`) of systemd's own package that are removed: for a writable /usr or /etc, for
 * measuring the boot into a TPM, and unused sockets. Each costs the boot a process or some parsing; several would do
 * harm on an /etc that is new at every boot.
 */
export const UNWANTED_UNITS: readonly string[] = [
  "local-fs.target.wants/tmp.mount", // mounted by the boot, with the original's size and options
  "sysinit.target.wants/ldconfig.service",
  "sysinit.target.wants/systemd-firstboot.service",
  "sysinit.target.wants/systemd-hibernate-clear.service",
  "sysinit.target.wants/systemd-hwdb-update.service",
  "sysinit.target.wants/systemd-journal-catalog-update.service",
  "sysinit.target.wants/systemd-machine-id-commit.service",
  "sysinit.target.wants/systemd-pcrmachine.service",
  "sysinit.target.wants/systemd-pcrphase-sysinit.service",
  "sysinit.target.wants/systemd-pcrphase.service",
  "sysinit.target.wants/systemd-sysusers.service",
  "sysinit.target.wants/systemd-tpm2-setup-early.service",
  "sysinit.target.wants/systemd-tpm2-setup.service",
  "sysinit.target.wants/systemd-update-done.service",
  "sysinit.target.wants/sys-fs-fuse-connections.mount",
  "sysinit.target.wants/sys-kernel-config.mount",
  "sockets.target.wants/systemd-creds.socket",
  "sockets.target.wants/systemd-initctl.socket",
  "sockets.target.wants/systemd-pcrextend.socket",
  "sockets.target.wants/systemd-pcrlock.socket",
  "sockets.target.wants/systemd-sysext.socket",
  "getty.target.wants/getty-static.service",
];

/**
 * Units that must never start, although others request them. drm: logind requests it even on machines without a screen;
 * with a graphics driver, udev loads it.
 */
export const MASKED_UNITS: readonly string[] = ["modprobe@drm.service"];

/**
 * Generators that are removed: each is a process at every boot and reload. ssh: would open sshd on vsock; gpt-auto:
 * would mount our ESP at /boot; rpc-pipefs, sysv, rc-local, hibernate, system-update, tpm2: have no input here.
 */
export const REMOVED_GENERATORS: readonly string[] = [
  "rpc-pipefs-generator",
  "systemd-gpt-auto-generator",
  "systemd-hibernate-resume-generator",
  "systemd-rc-local-generator",
  "systemd-ssh-generator",
  "systemd-system-update-generator",
  "systemd-sysv-generator",
  "systemd-tpm2-generator",
];
