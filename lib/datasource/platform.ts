/** A file system that may hold a data source. */
export interface LabelledDevice {
  /** `/dev/sr0`. */
  readonly path: string;
  /** Trimmed; "" if it has none. */
  readonly label: string;
  /** `iso9660`, `vfat`, `udf` …; "" if unknown. */
  readonly type: string;
}

/** The identification of a machine, available without a network. */
export interface Platform {
  /** Values of /sys/class/dmi/id by file name, trimmed; unreadable and unset ones (all bits one) are absent. */
  readonly dmi: Readonly<Record<string, string>>;
  /** /sys/hypervisor/uuid, "" if there is none. */
  readonly hypervisorUuid: string;
  /** Words of the kernel command line. */
  readonly words: readonly string[];
  /** Block devices with a file system, optical drives among them; no loop or RAM devices. */
  readonly devices: readonly LabelledDevice[];
  /** Names below /sys/firmware/qemu_fw_cfg/by_name, such as `opt/k3os/config`. */
  readonly firmwareConfig: readonly string[];
}
