import { existsSync, mkdirSync } from "node:fs";
import { cmd } from "../../tools/host/cmd.ts";
import { LABEL } from "../../tools/host/paths.ts";
import { mount } from "../../tools/host/sys.ts";
import { CommandError } from "../../tools/text/errors.ts";
import type { BootHost } from "../boot-host.ts";
import { type FoundDevice, findDevices } from "../devices.ts";
import type { ModuleLoader } from "../module-loader.ts";
import { type ChosenState, chooseState } from "./choose-state.ts";

/** How long the boot waits for a disk or medium, in milliseconds. */
export const DEVICE_WAIT = 30_000;
/** Milliseconds between two scans. */
const POLL = 100;
/** Milliseconds without a new device after which the devices count as complete. */
const QUIET = 1000;

/**
 * Calls `look` as devices appear, until it returns a result or the time is up. `look` learns which call is the last
 * one.
 */
export async function waitFor<T>(
  what: string,
  milliseconds: number,
  look: (over: boolean) => T | undefined,
  modules: ModuleLoader,
  host: BootHost,
): Promise<T | undefined> {
  const deadline = host.clock.monotonic() + milliseconds;
  for (let round = 0; ; round++) {
    await modules.loadNew();
    const over = host.clock.monotonic() >= deadline;
    const found = look(over);
    if (found !== undefined || over) return found;
    if (round === 20) host.log.info(`Waiting for ${what} (up to ${milliseconds / 1000} s)`);
    await host.clock.sleep(POLL);
  }
}

/**
 * Waits for the file system of the installed system: the one with `uuid`, otherwise the one with the label. Undefined
 * if there is none after `milliseconds`. Throws CommandError if there are several candidates.
 */
export async function findState(
  uuid: string | undefined,
  milliseconds: number,
  modules: ModuleLoader,
  host: BootHost,
): Promise<FoundDevice | undefined> {
  const what =
    uuid === undefined ? `a disk labelled ${LABEL.state}` : `the disk with the UUID ${uuid} (k3os.state)`;
  let seen: string | undefined;
  let since = 0;
  const look = (over: boolean): ChosenState | undefined => {
    const devices = findDevices();
    const paths = devices.map(({ path }) => path).join(" ");
    if (paths !== seen) since = host.clock.monotonic();
    seen = paths;
    return chooseState(devices, { uuid, quiet: host.clock.monotonic() - since >= QUIET, over });
  };
  const chosen = await waitFor(what, milliseconds, look, modules, host);
  if (chosen !== undefined) explainChoice(chosen, uuid, host);
  else if (uuid !== undefined) host.log.warn(`No file system has the UUID ${uuid} of k3os.state`);
  return chosen?.device;
}

function explainChoice(
  { device, by, others }: ChosenState,
  uuid: string | undefined,
  host: Pick<BootHost, "log">,
): void {
  if (by === "label" && uuid !== undefined) {
    host.log.warn(
      `No file system has the UUID ${uuid} of k3os.state: using ${device.path} (UUID ${device.uuid}), the only one labelled ${LABEL.state}`,
    );
  }
  if (others.length === 0) return;
  const paths = others.map(({ path }) => path).join(", ");
  host.log.info(`${device.path} is the installed system; ${paths} with the same label is left alone`);
}

/** Checks and mounts the file system of an installed system. Throws CommandError. */
export async function mountState(device: FoundDevice, target: string, host: BootHost): Promise<void> {
  await checkFileSystem(device.path, host);
  mkdirSync(target, { recursive: true });
  try {
    mount(device.path, target, { type: "ext4", flags: ["relatime"] });
  } catch (cause) {
    throw new CommandError(`The installed system on ${device.path} cannot be read`, {
      cause,
      hint: `repair it here with "/sbin/e2fsck -f ${device.path}", or install again`,
    });
  }
  host.log.info(`Mounted ${device.path} (${device.label || "no label"})`);
}

/**
 * Makes the repairs that e2fsck can make without questions; exit statuses from 4 on mean uncorrected errors
 * (e2fsck(8)).
 */
async function checkFileSystem(device: string, host: BootHost): Promise<void> {
  if (!existsSync("/sbin/e2fsck")) return;
  const { code, stdout, stderr } = await host.run(cmd`/sbin/e2fsck -p ${device}`, { check: false });
  const output = `${stdout}${stderr}`.trim();
  if (code >= 4)
    host.log.warn(`The file system on ${device} has errors that need a manual e2fsck: ${output}`);
  else if (code > 0) host.log.info(`Repaired the file system on ${device}: ${output}`);
}
