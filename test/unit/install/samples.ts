import type { DeviceFacts, InstallFacts } from "../../../lib/install/install-facts.ts";
import type { InstallSettings } from "../../../lib/install/install-settings.ts";
import type { Medium } from "../../../lib/install/medium.ts";
import type { StateFacts } from "../../../lib/install/state-facts.ts";
import type { TakeoverFacts } from "../../../lib/install/takeover/takeover-facts.ts";
import type { BlockDevice } from "../../../lib/tools/disk/lsblk.ts";
import { GIB } from "../../../lib/tools/fs/size.ts";
import { targetOf } from "../../../lib/tools/host/targets.ts";

export const SETTINGS: InstallSettings = {
  device: "/dev/vda",
  isoUrl: undefined,
  isoOptional: false,
  configUrl: undefined,
  tty: undefined,
  forceEfi: false,
  noFormat: false,
  powerOff: false,
  takeOver: false,
  copyNetwork: false,
  keys: [],
  insecure: false,
  bootstrap: false,
  releaseUrl: undefined,
  debug: false,
  silent: false,
  interview: false,
  force: false,
  dryRun: false,
  medium: undefined,
  afterwards: "return",
};

export function blockDevice(more: Partial<BlockDevice> = {}): BlockDevice {
  return {
    path: "/dev/vda",
    type: "disk",
    size: 40 * GIB,
    sectorSize: 512,
    readOnly: false,
    removable: false,
    model: undefined,
    serial: undefined,
    transport: undefined,
    mountpoints: [],
    children: [],
    ...more,
  };
}

export function deviceFacts(more: Partial<DeviceFacts> = {}): DeviceFacts {
  const device = more.device ?? blockDevice();
  return { device, disk: device, busy: false, occupants: [], partitions: [], state: undefined, ...more };
}

/** A BIOS machine with one empty disk. */
export function facts(more: Partial<InstallFacts> = {}): InstallFacts {
  return {
    devices: [blockDevice()],
    candidates: [blockDevice()],
    device: deviceFacts(),
    labelled: [],
    target: targetOf("amd64"),
    efiFirmware: false,
    mode: "live",
    missing: undefined,
    secureBoot: false,
    root: undefined,
    takeover: undefined,
    network: undefined,
    ext4Off: ["metadata_csum_seed"],
    cmdline: "console=tty1",
    memory: 2 * GIB,
    terminal: undefined,
    uuid: "11111111-2222-3333-4444-555555555555",
    ...more,
  };
}

export const MEDIUM: Medium = {
  root: "/run/k3os/iso",
  versions: { k3os: "v1", kernel: "6.12", k3s: "v1.30" },
  entries: [{ kind: "directory", path: "k3os", mode: 0o755 }],
  size: 2 * GIB,
  images: { names: [], size: 0 },
  config: undefined,
};

/** A running system that k3OS can take over. */
export function takeoverFacts(state: StateFacts): TakeoverFacts {
  return {
    state,
    writable: true,
    free: state.free,
    apart: [],
    foreignTree: false,
    otherStates: [],
    grub: {
      directory: "/boot/grub2",
      plainMenu: true,
      plainEnvironment: true,
      hasEnvironment: false,
      platform: "i386-pc",
      version: "2.06",
      missingModules: [],
    },
    record: undefined,
  };
}
