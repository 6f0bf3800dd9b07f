/**
 * Network cards that the initrd knows, so that a machine which was started from the network gets its medium from there;
 * in the form of `INITRD_MODULES`. Wireless cards are left out: they need programs and a passphrase.
 */
export const NETWORK_MODULES: readonly string[] = [
  // virtual machines
  ...["virtio_net", "vmxnet3", "hv_netvsc", "xen_netfront"],
  // cards, what they are plugged into (USB), and the chips that drive the cable
  ...[
    "drivers/net/ethernet/",
    "drivers/net/usb/",
    "drivers/net/mdio/",
    "drivers/net/pcs/",
    "drivers/net/phy/",
  ],
  "8021q", // VLAN
];

/** Not worth their size in every initrd: smart cards of servers, which want 30 MB of firmware, and modems. */
const LEFT_OUT = [
  ...["drivers/net/ethernet/netronome/", "drivers/net/ethernet/cavium/liquidio/"],
  ...[
    "drivers/net/usb/cdc-phonet",
    "drivers/net/usb/hso",
    "drivers/net/usb/qmi_wwan",
    "drivers/net/usb/sierra",
  ],
];

/** Cards that go on with the firmware in their own flash memory where there is no file. */
const OWN_FIRMWARE = ["chelsio/", "myricom/", "qlogic/netxen/"].map((name) => `drivers/net/ethernet/${name}`);

/** Whether a module (path below the module directory) stays out of the initrd, though {@link NETWORK_MODULES} selects it. */
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
