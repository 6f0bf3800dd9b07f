import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { release } from "node:os";
import { join } from "node:path";
import { FILE, LABEL, PATH } from "../../tools/host/paths.ts";
import { mount, mountImage, unmount } from "../../tools/host/sys.ts";
import { CommandError, messageOf } from "../../tools/text/errors.ts";
import type { BootHost } from "../boot-host.ts";
import { type FoundDevice, findDevices, mediumCandidates } from "../devices.ts";
import { EMBEDDED_MEDIUM } from "../initrd-paths.ts";
import { createModuleLoader, type ModuleLoader } from "../module-loader.ts";
import { carriedNetwork } from "../network/hand-over.ts";
import { networkWords } from "../network/words.ts";
import type { NetworkIso } from "./iso-from-network.ts";
import { DEVICE_WAIT, waitFor } from "./state-device.ts";

/** Milliseconds to wait for a medium before an ISO is downloaded; a machine that boots from a medium has it by then. */
const MEDIUM_WAIT = 8_000;

/** The result of mounting a medium. */
export interface MountedMedium {
  /** The network settings for connman, even if the medium did not come from the network. */
  readonly network: string | undefined;
}

/**
 * Mounts the installation medium read-only. In this order: the one that came with the initrd; the one with the label;
 * the first file system with a k3OS tree; the network ISO of the kernel command line.
 */
export async function mountMedium(
  modules: ModuleLoader,
  host: BootHost,
  wait = DEVICE_WAIT,
): Promise<MountedMedium> {
  mkdirSync(PATH.medium, { recursive: true });
  const cmdline = readFileSync(PATH.cmdline, "utf8");
  const network = carriedNetwork(networkWords(cmdline).interfaces);
  if (existsSync(EMBEDDED_MEDIUM)) {
    await modules.loadNew();
    mountImage(EMBEDDED_MEDIUM, PATH.medium, "iso9660");
    host.log.info("Mounted the installation medium that came with the initrd");
    return { network };
  }
  const iso = await namedIso(cmdline);
  const look = (milliseconds: number) =>
    waitFor(
      "the installation medium",
      milliseconds,
      () => tryMediums(iso !== undefined, host),
      modules,
      host,
    );
  let found = await look(iso === undefined ? wait : Math.min(wait, MEDIUM_WAIT));
  if (found === undefined && iso !== undefined) {
    const { mountNetworkIso } = await import("./iso-from-network.ts");
    try {
      return { network: await mountNetworkIso(iso, () => createModuleLoader(host), host) };
    } catch (error) {
      // a slow medium with another version than the ISO of its boot menu is still better than nothing
      found = await look(0);
      if (found === undefined) throw error;
      host.log.warn(messageOf(error));
    }
  }
  if (found === undefined) {
    throw new CommandError(
      `No installation medium was found (label "${LABEL.medium}", or any with a k3OS tree)`,
      {
        hint: "check that the CD or USB stick is attached, or name an ISO: k3os.install.iso_url=https://…",
      },
    );
  }
  host.log.info(`Mounted the installation medium ${found.path}`);
  return { network };
}

/** Loads the download code only if the kernel command line may name an ISO. */
async function namedIso(cmdline: string): Promise<NetworkIso | undefined> {
  if (!/k3os\.install\.iso/i.test(cmdline)) return undefined;
  const { networkIso } = await import("./iso-from-network.ts");
  return networkIso(cmdline);
}

/** `matching`: accept only the medium of the running kernel, since there is an alternative. */
function tryMediums(matching: boolean, host: BootHost): FoundDevice | undefined {
  return mediumCandidates(findDevices()).find((device) => {
    const type = device.type === "ext" ? "ext4" : device.type;
    try {
      mount(device.path, PATH.medium, { type, flags: ["ro"] });
    } catch (error) {
      host.log.debug(messageOf(error));
      return false;
    }
    const system = join(PATH.medium, "k3os/system");
    const isOurs = existsSync(join(system, "k3os/current", FILE.executable));
    if (isOurs && (!matching || existsSync(join(system, "kernel", release())))) return true;
    unmount(PATH.medium);
    return false;
  });
}
