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

/** Modules that every boot needs: file systems, loop devices, and keyboards without a modalias of their own. */
const ALWAYS = [
  "loop",
  "squashfs",
  "overlay",
  "ext4",
  "crc32c", // ext4 requests it by a soft dependency, which busybox ignores
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
  /** Loads the modules for the devices found since the last call. Modules that the initrd lacks are skipped. */
  loadNew(): Promise<void>;
}

/** A loader that runs the initrd's modprobe (busybox) once per batch: one process per device would be slow. */
export function createModuleLoader(host: Pick<Host, "run" | "log">): ModuleLoader {
  const seen = new Set<string>();
  return {
    loadNew: async () => {
      const batch = [...ALWAYS, ...modaliases()].filter((name) => !seen.has(name));
      for (const name of batch) seen.add(name);
      if (batch.length === 0) return;
      // a module that is missing or does not fit its device does not fail the boot: the device wait reports it
      const { stderr } = await host.run(cmd`/bin/busybox modprobe -a -q -b ${batch}`, {
        check: false,
      });
      if (stderr !== "") host.log.debug(stderr.trim());
    },
  };
}

/**
 * Stops the initrd's modprobe from automatically loading modules of `modprobe.blacklist=` on the kernel command line,
 * as kmod's modprobe does in the running system (modprobe(8)). Modules of `k3os.modules` are loaded anyway.
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
 * Loads modules by name, with their parameters, before those that devices request: the driver of the root disk may be
 * among them, or need the parameters. The journal lists each module, including those that the initrd lacks: the running
 * system has all modules, and loads them later. Never throws.
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
