/**
 * What the service manager starts, as links `TARGET.wants/UNIT` in /usr/lib/systemd/system. Debian's packages enable
 * nearly all they bring; none of that is kept, so this table and the units' own dependencies are the whole truth.
 */
export const WANTED_UNITS: Readonly<Record<string, readonly string[]>> = {
  "sysinit.target": ["systemd-timesyncd.service", "open-iscsi.service", "k3os-health.service"],
  "sockets.target": ["iscsid.socket", "dm-event.socket", "lvm2-lvmpolld.socket"],
  "timers.target": ["logrotate.timer", "fstrim.timer", "k3os-ssh-keys.timer", "k3os-k3s-download.timer"],
  "getty.target": ["getty@tty1.service"],
  "network-online.target": ["connman-wait-online.service"],
  // no RSA key: making one takes seconds, and only clients from before 2014 need it; one that is there is used
  "ssh.service": ["ssh-host-key@ed25519.service", "ssh-host-key@ecdsa.service"],
  "multi-user.target": [
    "connman.service",
    "ssh.service",
    "cloud-config.service",
    "ccapply.service",
    "issue.service",
    "local.service",
    "remote-fs.target",
    "open-vm-tools.service",
  ],
};

/** Other names of units; what D-Bus starts by its bus name needs one (`SystemdService=` or `dbus-NAME.service`). */
export const UNIT_ALIASES: Readonly<Record<string, string>> = {
  "default.target": "multi-user.target",
  "sshd.service": "ssh.service",
  "iscsi.service": "open-iscsi.service",
  "dbus-org.freedesktop.timesync1.service": "systemd-timesyncd.service",
  "dbus-fi.w1.wpa_supplicant1.service": "wpa_supplicant.service",
};

/**
 * Static dependencies (`TARGET.wants/UNIT`) that systemd's own package brings and that are taken out: what maintains a
 * writable /usr or /etc, what measures the boot into a TPM, and sockets that nothing here speaks to. Each costs the
 * boot a process or a stretch of parsing; several would do harm on an /etc that is new at every boot.
 */
export const UNWANTED_UNITS: readonly string[] = [
  "local-fs.target.wants/tmp.mount", // mounted by the boot code, with the original's size and options
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
 * Units that nothing may start: what others ask for without need. drm: logind wants it loaded on machines without any
 * screen too, where udev loads it with the graphics driver.
 */
export const MASKED_UNITS: readonly string[] = ["modprobe@drm.service"];

/**
 * Generators that are taken out: each is a process at every boot and reload. ssh: would open sshd on vsock; gpt-auto:
 * would mount our ESP at /boot; rpc-pipefs, sysv, rc-local, hibernate, system-update, tpm2: nothing here for them to find.
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
