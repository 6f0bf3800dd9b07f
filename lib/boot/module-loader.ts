import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { release } from "node:os";
import { join } from "node:path";
import { splitCmdline } from "../config/read/cmdline.ts";
import { cmd } from "../tools/host/cmd.ts";
import type { Host } from "../tools/host/host.ts";
import { inRoot } from "../tools/host/paths.ts";
import { kernelName, parseModule } from "../tools/node/kernel-module.ts";
import { messageOf } from "../tools/text/errors.ts";
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
      const { stderr } = await host.run(cmd`/bin/busybox modprobe -a -q -b ${wanted}`, {
        check: false,
      });
      if (stderr !== "") host.log.debug(stderr.trim());
    },
  };
}

/**
 * Keeps the initrd's modprobe from loading by itself what `modprobe.blacklist=` on the kernel command line names, as
 * kmod's does in the running system (modprobe(8)). What is named by `k3os.modules` is loaded all the same.
 */
export function blacklistModules(cmdline: string, host: Pick<Host, "root">): void {
  const words = splitCmdline(cmdline).filter(({ name }) => name === "modprobe.blacklist");
  const names = words.flatMap(({ value = "" }) => value.split(",")).filter((name) => /^[\w-]+$/.test(name));
  if (names.length === 0) return;
  const directory = inRoot(host, "/etc/modprobe.d");
  mkdirSync(directory, { recursive: true });
  const lines = names.map((name) => `blacklist ${kernelName(name)}\n`);
  writeFileSync(join(directory, "cmdline.conf"), lines.join(""));
}

/**
 * Loads modules by name, with their parameters, before those that devices ask for: the driver of the root disk may be among
 * them, or need the parameters. Each is told in the journal, what the initrd does not have, too: the running system has
 * all, and loads it then. Never throws.
 */
export async function loadNamedModules(
  entries: readonly string[],
  host: Pick<Host, "root" | "run" | "log">,
): Promise<void> {
  for (const entry of entries) {
    try {
      const { name, parameters } = parseModule(entry);
      const argv = cmd`/bin/busybox modprobe ${name} ${parameters}`;
      const { code, stderr } = await host.run(argv, { check: false });
      if (code === 0) host.log.info(`Loaded the module "${name}"`);
      else explainFailure(name, stderr.trim(), host);
    } catch (error) {
      host.log.error(`k3os.modules: ${messageOf(error)}`);
    }
  }
}

function explainFailure(name: string, reason: string, host: Pick<Host, "root" | "log">): void {
  if (isInInitrd(name, host)) host.log.error(`k3os.modules: cannot load "${name}": ${reason}`);
  else host.log.info(`The module "${name}" is not in the initrd: it can only be loaded from the disk`);
}

function isInInitrd(name: string, host: Pick<Host, "root">): boolean {
  const list = inRoot(host, join("/lib/modules", release(), "modules.dep"));
  if (!existsSync(list)) return false;
  const paths = readFileSync(list, "utf8").matchAll(/([\w-]+)\.ko\S*:/g);
  return [...paths].some(([, file = ""]) => kernelName(file) === kernelName(name));
}
