import type { Host } from "../host.ts";
import { modaliases } from "./devices.ts";

/** What boot needs whatever the hardware: file systems, loop devices, and keyboards that have no modalias of their own. */
const ALWAYS = [
  "loop",
  "squashfs",
  "overlay",
  "ext4",
  "crc32c", // ext4 asks for it by a soft dependency, which busybox does not follow
  "isofs",
  "vfat",
  "nls_ascii",
  "nls_cp437",
  "nls_iso8859-1",
  "nls_utf8",
  "efivarfs",
  "sr_mod",
  "sd_mod",
];

/** Loads the modules of the initrd as devices appear. */
export interface ModuleLoader {
  /** Loads what the devices found since the last call ask for. Modules that the initrd does not have are left out. */
  loadNew(): Promise<void>;
}

/** A loader that runs the initrd's modprobe (busybox), once per batch: starting a program per device would be slow. */
export function createModuleLoader(host: Pick<Host, "run" | "log">): ModuleLoader {
  const seen = new Set<string>();
  return {
    loadNew: async () => {
      const wanted = [...ALWAYS, ...modaliases()].filter((name) => !seen.has(name));
      for (const name of wanted) seen.add(name);
      if (wanted.length === 0) return;
      // a module that does not exist or does not fit its device is no failure of the boot: the device wait will tell
      const { stderr } = await host.run(["/bin/busybox", "modprobe", "-a", "-q", "-b", ...wanted], {
        check: false,
      });
      if (stderr !== "") host.log.debug(stderr.trim());
    },
  };
}
