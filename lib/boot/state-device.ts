import { existsSync, mkdirSync } from "node:fs";
import { CommandError } from "../errors.ts";
import { LABEL } from "../paths.ts";
import { mount } from "../sys.ts";
import type { FoundDevice } from "./devices.ts";
import type { BootHost } from "./host.ts";
import type { ModuleLoader } from "./modules.ts";

/** How long the boot waits for a disk or medium, in milliseconds. */
export const DEVICE_WAIT = 30_000;
/** Milliseconds between two looks. */
export const POLL = 100;

/** Repeats `look` as devices appear until it finds something or the time is over. */
export async function waitFor<T>(
  what: string,
  milliseconds: number,
  look: () => T | undefined,
  modules: ModuleLoader,
  host: BootHost,
): Promise<T | undefined> {
  const deadline = host.clock.monotonic() + milliseconds;
  for (let round = 0; ; round++) {
    await modules.loadNew();
    const found = look();
    if (found !== undefined || host.clock.monotonic() >= deadline) return found;
    if (round === 20) host.log.info(`Waiting for ${what} (up to ${milliseconds / 1000} s)`);
    await host.clock.sleep(POLL);
  }
}

/** Checks and mounts the file system of an installed system, the first of `states`. Throws CommandError. */
export async function mountState(
  states: readonly FoundDevice[],
  target: string,
  host: BootHost,
): Promise<void> {
  const [device] = states;
  if (device === undefined) return;
  if (states.length > 1) {
    const all = states.map(({ path }) => path).join(", ");
    host.log.warn(`${states.length} file systems are labelled ${LABEL.state} (${all}); using ${device.path}`);
  }
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

/** Repairs what e2fsck can repair without questions; exit statuses from 4 on mean that errors are left (e2fsck(8)). */
async function checkFileSystem(device: string, host: BootHost): Promise<void> {
  if (!existsSync("/sbin/e2fsck")) return;
  const { code, stdout, stderr } = await host.run(["/sbin/e2fsck", "-p", device], { check: false });
  const said = `${stdout}${stderr}`.trim();
  if (code >= 4) host.log.warn(`The file system on ${device} has errors that need a manual e2fsck: ${said}`);
  else if (code > 0) host.log.info(`Repaired the file system on ${device}: ${said}`);
}
