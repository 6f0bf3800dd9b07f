/** The dependencies of a kernel's modules by depmod(8): path below the module directory → paths of dependencies. */
export type ModuleDependencies = ReadonlyMap<string, readonly string[]>;

/** Parses `modules.dep`: lines of `kernel/fs/ext4/ext4.ko: kernel/fs/jbd2/jbd2.ko …`. */
export function parseModulesDep(text: string): ModuleDependencies {
  const dependencies = new Map<string, readonly string[]>();
  for (const line of text.split("\n")) {
    const colon = line.indexOf(":");
    if (colon < 0) continue;
    const needed = line
      .slice(colon + 1)
      .split(" ")
      .filter((path) => path !== "");
    dependencies.set(line.slice(0, colon), needed);
  }
  return dependencies;
}

/** The kernel's name of a module: base name without suffix, dashes as underscores. */
export function moduleName(path: string): string {
  const base = path.slice(path.lastIndexOf("/") + 1);
  return base.replace(/\.ko(\.(xz|zst|gz))?$/, "").replaceAll("-", "_");
}

/**
 * The modules that `wanted` selects, with all their dependencies, sorted by path. An entry ending in "/" selects every
 * module below that directory (`drivers/ata/`); any other is a module's name. Names that are not modules of this kernel
 * are ignored: they are built in, or belong to another architecture. {@link missingModules} lists them.
 */
export function selectModules(dependencies: ModuleDependencies, wanted: readonly string[]): string[] {
  const selected = new Set<string>();
  const add = (path: string) => {
    if (selected.has(path)) return;
    selected.add(path);
    for (const needed of dependencies.get(path) ?? []) add(needed);
  };
  const directories = wanted.filter((entry) => entry.endsWith("/"));
  const names = new Set(wanted.filter((entry) => !entry.endsWith("/")));
  for (const path of dependencies.keys()) {
    const inDirectory = directories.some((directory) => path.startsWith(`kernel/${directory}`));
    if (inDirectory || names.has(moduleName(path))) add(path);
  }
  return [...selected].sort();
}

/** The names in `wanted` that are neither modules of this kernel nor built in (`modules.builtin`). */
export function missingModules(
  dependencies: ModuleDependencies,
  builtin: string,
  wanted: readonly string[],
): string[] {
  const known = new Set([...dependencies.keys(), ...builtin.split("\n")].map(moduleName));
  return wanted.filter((entry) => !entry.endsWith("/") && !known.has(entry));
}

/**
 * The modules that the initrd needs before the root is mounted: file systems, disk controllers with their buses, and
 * keyboards for the rescue shell. Names are those of moduleName(); "/" at the end means everything below a directory.
 */
export const INITRD_MODULES: readonly string[] = [
  // file systems, and the modules to mount a root image
  ...["ext4", "squashfs", "loop", "overlay", "isofs", "vfat", "nls_ascii", "nls_cp437", "nls_iso8859_1"],
  ...["nls_utf8", "crc32c_generic", "crc32c_intel", "crc32c_arm64", "libcrc32c", "efivarfs"],
  // virtual machines
  ...["virtio_blk", "virtio_scsi", "virtio_pci", "virtio_mmio", "virtio_rng", "qemu_fw_cfg"],
  ...["xen_blkfront", "xen_scsifront", "hv_vmbus", "hv_storvsc", "hv_utils", "hyperv_keyboard", "pci_hyperv"],
  ...["vmw_pvscsi", "vmd"],
  // disks, optical drives and their controllers
  ...["sd_mod", "sr_mod", "cdrom", "sg", "ata_generic", "ahci", "ahci_platform", "libahci", "drivers/ata/"],
  ...[
    "nvme",
    "nvme_core",
    "nvme_tcp",
    "mtip32xx",
    "mptspi",
    "mptsas",
    "mptfc",
    "mpt3sas",
    "mpi3mr",
    "megaraid_sas",
    "megaraid_mbox",
  ],
  ...[
    "aacraid",
    "arcmsr",
    "hpsa",
    "smartpqi",
    "isci",
    "mvsas",
    "mvumi",
    "pm80xx",
    "aic7xxx",
    "aic79xx",
    "aic94xx",
  ],
  ...[
    "3w_9xxx",
    "3w_sas",
    "sym53c8xx",
    "BusLogic",
    "hptiop",
    "stex",
    "lpfc",
    "qla2xxx",
    "bfa",
    "cciss",
    "hisi_sas_v3_hw",
  ],
  ...["am53c974", "initio", "a100u2w", "advansys", "atp870u", "dc395x", "dmx3191d", "wd719x", "qla1280"],
  ...["3w_xxxx", "ips", "megaraid", "myrb", "myrs", "pmcraid", "esas2r", "snic", "fnic", "ipr"],
  ...["scsi_dh_alua", "scsi_dh_emc", "scsi_dh_hp_sw", "scsi_dh_rdac"],
  ...["raid0", "raid1", "raid10", "raid456", "dm_mod"],
  // persistent memory
  ...["nd_pmem", "nd_btt", "nd_e820", "virtio_pmem", "nfit"],
  // memory cards, UFS and USB
  ...[
    "drivers/mmc/host/",
    "drivers/ufs/",
    "governor_simpleondemand",
    "alcor_pci",
    "cb710",
    "rtsx_pci",
    "rtsx_usb",
    "tifm_7xx1",
  ],
  ...[
    "mmc_block",
    "sdhci_pci",
    "sdhci_acpi",
    "sdhci_iproc",
    "sdhci_of_arasan",
    "dw_mmc_pltfm",
    "bcm2835_sdhost",
  ],
  ...[
    "xhci_pci",
    "xhci_hcd",
    "xhci_plat_hcd",
    "xhci_pci_renesas",
    "ehci_pci",
    "ehci_hcd",
    "ohci_pci",
    "uhci_hcd",
  ],
  ...["usb_storage", "uas", "drivers/usb/storage/", "usbhid", "dwc2", "dwc3", "pcie_brcmstb", "phy_generic"],
  // keyboards
  ...[
    "hid_generic",
    "hid_apple",
    "hid_logitech_dj",
    "hid_logitech_hidpp",
    "hid_microsoft",
    "i8042",
    "atkbd",
    "evdev",
  ],
];
