import { existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { deviceOf } from "../tools/disk/device-of.ts";
import { mounted } from "../tools/disk/mount.ts";
import type { Host } from "../tools/host/host.ts";
import { PATH } from "../tools/host/paths.ts";
import { CommandError } from "../tools/text/errors.ts";
import { giveNamesBack } from "./init-links.ts";

export interface RemovalSettings {
  /** Absolute path of the root file system; "/" for the one that this machine booted from, with or without k3OS. */
  readonly root: string;
  /** Also delete `/k3os`: the versions, the configuration, and all data of the node. */
  readonly purge: boolean;
}

type RemovalHost = Pick<Host, "log" | "run">;

/** Makes a root file system boot as before the overlay. Throws CommandError. */
export async function removeOverlay(settings: RemovalSettings, host: RemovalHost): Promise<void> {
  if (settings.root !== "/" || !existsSync(PATH.mode)) return removeFrom(settings.root, settings, host);
  if (readFileSync(PATH.mode, "utf8").trim() !== "local") {
    throw new CommandError("This k3OS was not started from a file system of its own");
  }
  if (settings.purge) {
    throw new CommandError("The system that runs cannot be deleted", {
      hint: "remove the overlay, reboot, and then run: rm -r /k3os",
    });
  }
  // once k3OS has booted, the old root is not mounted any more
  await using root = await mounted(deviceOf("/").path, join(PATH.runtime, "overlay"), {}, host);
  removeFrom(root.path, settings, host);
}

function removeFrom(root: string, { purge }: RemovalSettings, host: RemovalHost): void {
  const init = giveNamesBack(root);
  host.log.info(`The next boot starts the original system (${init})`);
  const own = join(root, "k3os");
  if (purge) {
    rmSync(own, { recursive: true, force: true });
    host.log.info(`Deleted ${own}`);
  } else host.log.info(`Its data stays in /k3os`);
}
