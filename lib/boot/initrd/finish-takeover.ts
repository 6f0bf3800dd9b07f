import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { switchMenu } from "../../tools/disk/switch-menu.ts";
import {
  forgetTry,
  readTakeoverRecord,
  recallTakeoverRecord,
  TAKEOVER,
  type TakeoverRecord,
} from "../../tools/disk/takeover-record.ts";
import { writeFileAtomic } from "../../tools/fs/atomic.ts";
import { verifyChecksums } from "../../tools/fs/checksums.ts";
import { isThere } from "../../tools/fs/links.ts";
import { readTextBounded } from "../../tools/fs/read-bounded.ts";
import type { Host } from "../../tools/host/host.ts";
import { FILE, LABEL, MARKER, PATH } from "../../tools/host/paths.ts";
import { mountImage, setFileSystemLabel, syncFileSystem, unmount } from "../../tools/host/sys.ts";
import { CommandError, during, messageOf } from "../../tools/text/errors.ts";
import { printableMessage } from "../../tools/text/printable.ts";
import type { BootHost } from "../boot-host.ts";
import { type FoundDevice, findDevices } from "../devices.ts";
import { goDown } from "../go-down.ts";
import type { ModuleLoader } from "../module-loader.ts";
import { deviceByUuid } from "./choose-state.ts";
import { deleteOldSystem, keepNodePassword } from "./old-system.ts";
import { DEVICE_WAIT, mountState, waitFor } from "./state-device.ts";

const ROOT = "/sysroot";
/** Milliseconds to read why the old system starts again. */
const READING_TIME = 10_000;

/**
 * The first boot of a takeover. Verifies the new system, and only then deletes the old one from the same file system;
 * afterwards the machine reboots or powers off. A failure before the first deletion is reported and the old system
 * starts again, as the boot menu already says. The caller handles later failures.
 */
export async function replaceSystem(uuid: string, modules: ModuleLoader, host: BootHost): Promise<never> {
  try {
    await mountOldSystem(uuid, modules, host);
    await verifyNewSystem(ROOT, host);
    markVerified(ROOT);
  } catch (error) {
    return await returnToOldSystem(error, host);
  }
  return await finish(completeTakeover(ROOT, host) ?? "restart", host);
}

/** Continues a takeover whose deletion was interrupted; does nothing on any other mounted state file system. */
export async function continueTakeover(root: string, host: BootHost): Promise<void> {
  const afterwards = completeTakeover(root, host);
  if (afterwards !== undefined) await finish(afterwards, host);
}

async function finish(afterwards: TakeoverRecord["afterwards"], host: BootHost): Promise<never> {
  host.log.info(afterwards === "power-off" ? "Powering off" : "Restarting into k3OS");
  return await goDown(afterwards, host);
}

/** The old system cannot be restored from here on. */
export function markVerified(root: string): void {
  writeFileAtomic(join(root, TAKEOVER.verified), "");
  syncFileSystem(root); // GRUB reads the file system without replaying its journal
}

async function mountOldSystem(uuid: string, modules: ModuleLoader, host: BootHost): Promise<void> {
  const look = (): FoundDevice | undefined => deviceByUuid(findDevices(), uuid);
  const device = await waitFor("the disk to be taken over", DEVICE_WAIT, look, modules, host);
  if (device === undefined) throw new CommandError(`No file system with the UUID "${uuid}" was found`);
  await mountState(device, ROOT, host);
}

/** Throws CommandError unless every file of the new system is as the installer wrote it and its userland is usable. */
async function verifyNewSystem(root: string, host: BootHost): Promise<void> {
  if (existsSync(join(root, TAKEOVER.verified))) return;
  if (readTakeoverRecord(root) === undefined) throw new CommandError("No takeover is prepared on this disk");
  host.log.info("Checking the new system …");
  await during("Checking the new system", async () => {
    await verifyChecksums(root, readTextBounded(join(root, TAKEOVER.checksums)));
    checkUserland(join(root, PATH.system, "k3os/current", FILE.rootSquashfs));
  });
}

function checkUserland(image: string): void {
  const mountPoint = "/mnt";
  mkdirSync(mountPoint, { recursive: true });
  mountImage(image, mountPoint, "squashfs");
  try {
    if (existsSync(join(mountPoint, "lib/systemd/systemd"))) return;
    throw new CommandError(`The root image "${image}" holds no service manager`);
  } finally {
    unmount(mountPoint);
  }
}

/**
 * Deletes the old system of a verified takeover, and the takeover's own temporary files. Each step can be repeated:
 * after an interruption, the next boot continues here. Returns what the machine does next; undefined if there was
 * nothing to do. Throws CommandError.
 */
export function completeTakeover(
  root: string,
  host: Pick<Host, "log">,
): TakeoverRecord["afterwards"] | undefined {
  const directory = join(root, TAKEOVER.directory);
  if (!existsSync(directory)) return undefined;
  if (!isThere(join(root, TAKEOVER.record))) {
    rmSync(directory, { recursive: true }); // only this directory was left
    return undefined;
  }
  if (!existsSync(join(root, TAKEOVER.verified))) return undefined;
  const record = recallTakeoverRecord(root, host);
  if (record === undefined) return undefined;
  setFileSystemLabel(root, LABEL.state);
  // a machine that is switched off becomes an image, whose copies must not have one password
  if (record.afterwards === "restart") keepNodePassword(root, host);
  deleteOldSystem(root, record, host);
  useNewMenu(root, record, host);
  for (const name of [MARKER.takeover, MARKER.poweroff]) {
    rmSync(join(root, PATH.system, name), { recursive: true, force: true });
  }
  rmSync(join(root, TAKEOVER.record), { recursive: true }); // first: an incomplete rest is no takeover
  rmSync(directory, { recursive: true });
  syncFileSystem(root);
  return record.afterwards;
}

function useNewMenu(root: string, { grub }: TakeoverRecord, host: Pick<Host, "log">): void {
  forgetTry(join(root, grub, "grubenv"), host);
  const next = join(root, TAKEOVER.newMenu);
  if (!existsSync(next)) return; // already in place, and on the disk: the journal has been replayed since
  switchMenu({ menu: join(root, grub, "grub.cfg"), next, kept: join(root, TAKEOVER.menu) });
}

/** Reports the reason on every console and in the old system's message of the day, and starts that system. */
async function returnToOldSystem(error: unknown, host: BootHost): Promise<never> {
  const reason = printableMessage(messageOf(error)); // the old system shows it above its login prompts
  host.log.error(reason);
  host.log.info("This machine was not taken over: nothing was deleted. Starting the old system again");
  try {
    reportToOldSystem(ROOT, reason);
  } catch (failure) {
    host.log.warn(`Cannot report this to the old system: ${messageOf(failure)}`);
  }
  await host.clock.sleep(READING_TIME);
  return await goDown("restart", host);
}

/** Writes the reason to the record and above the old system's next login prompt; undo removes both. */
function reportToOldSystem(root: string, reason: string): void {
  if (!existsSync(join(root, TAKEOVER.directory))) return;
  writeFileAtomic(join(root, TAKEOVER.failure), `${reason}\n`);
  const motd = join(root, "etc/motd");
  const kept = join(root, TAKEOVER.oldMotd);
  if (!existsSync(kept)) {
    if (!existsSync(motd)) return;
    renameSync(motd, kept);
  }
  const program = join(PATH.system, "k3os/current", FILE.executable);
  const why = `\nk3OS did not take this machine over: ${reason}\nNothing was deleted. To remove what it left: ${program} takeover --undo\n`;
  const { mode, uid, gid } = statSync(kept);
  const text = Buffer.concat([readFileSync(kept), Buffer.from(why)]);
  writeFileAtomic(motd, text, { mode: mode & 0o7777, uid, gid });
}
