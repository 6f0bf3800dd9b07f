/**
 * Network drivers in the initrd, so that a machine that boots from the network can download its medium; in the form of
 * `INITRD_MODULES`. Wireless cards are omitted: they need programs and a passphrase.
 */
export const NETWORK_MODULES: readonly string[] = [
  // virtual machines
  ...["virtio_net", "vmxnet3", "hv_netvsc", "xen_netfront"],
  // cards, their bus (USB), and their PHY chips
  ...[
    "drivers/net/ethernet/",
    "drivers/net/usb/",
    "drivers/net/mdio/",
    "drivers/net/pcs/",
    "drivers/net/phy/",
  ],
  "8021q", // VLAN
];

/** Omitted because of their size: smart NICs of servers, which need 30 MB of firmware, and modems. */
const LEFT_OUT = [
  ...["drivers/net/ethernet/netronome/", "drivers/net/ethernet/cavium/liquidio/"],
  ...[
    "drivers/net/usb/cdc-phonet",
    "drivers/net/usb/hso",
    "drivers/net/usb/qmi_wwan",
    "drivers/net/usb/sierra",
  ],
];

/** Cards that use the firmware in their own flash memory if there is no file. */
const OWN_FIRMWARE = ["chelsio/", "myricom/", "qlogic/netxen/"].map((name) => `drivers/net/ethernet/${name}`);

/**
 * Whether a module (path below the module directory) is omitted from the initrd, although {@link NETWORK_MODULES}
 * selects it.
 */
export function isLeftOut(path: string): boolean {
  return LEFT_OUT.some((start) => path.startsWith(`kernel/${start}`));
}

/** Whether a module is a network driver whose firmware goes into the initrd. */
export function needsFirmware(path: string): boolean {
  return (
    path.startsWith("kernel/drivers/net/") &&
    !OWN_FIRMWARE.some((start) => path.startsWith(`kernel/${start}`))
  );
}
