import { copyFileSync, existsSync, mkdirSync, readFileSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { readConfig } from "../../config/read/read.ts";
import { FILE, LABEL, PATH } from "../../tools/host/paths.ts";
import { mount } from "../../tools/host/sys.ts";
import { CommandError, messageOf } from "../../tools/text/errors.ts";
import type { BootHost } from "../boot-host.ts";
import { type FoundDevice, findDevices, mediumCandidates } from "../devices.ts";
import { goDown } from "../go-down.ts";
import { NEW_ROOT } from "../initrd-paths.ts";
import { JOURNAL_DIRECTORY } from "../journal.ts";
import { type BootWords, bootWords, decideMode, type Mode, type RunningMode } from "../mode.ts";
import {
  blacklistModules,
  createModuleLoader,
  loadNamedModules,
  type ModuleLoader,
} from "../module-loader.ts";
import { handOverNetwork } from "../network/hand-over.ts";
import { settleGeneration } from "../trial/choose-generation.ts";
import { mountMedium } from "./boot-medium.ts";
import { chooseState } from "./choose-state.ts";
import { continueTakeover, replaceSystem } from "./finish-takeover.ts";
import { prepareState } from "./prepare-state.ts";
import { DEVICE_WAIT, findState, mountState, waitFor } from "./state-device.ts";

/** The root to switch to from the initrd: its `/sbin/init` is started with `K3OS_MODE`. */
export interface NewRoot {
  readonly path: string;
  readonly mode: RunningMode;
}

/**
 * The first stage: from the initrd's `/init` to a mounted root. Throws CommandError with the reason if there is none.
 */
export async function bootInitrd(host: BootHost): Promise<NewRoot> {
  keepRescueTools();
  const cmdline = readFileSync(PATH.cmdline, "utf8");
  const words = bootWords(cmdline);
  blacklistModules(cmdline, host);
  await loadNamedModules((await readConfig(host)).config.k3os?.modules ?? [], host);
  const modules = createModuleLoader(host);
  if (words.takeover !== undefined) return await replaceSystem(words.takeover, modules, host);
  const { mode, state } = await chooseMode(words, modules, host);
  host.log.info(`Mode ${mode}`);
  if (mode === "disk") return bootDisk(state, words, host);
  if (mode === "shell") return bootRescue(words, modules, host);
  const { network } = await mountMedium(modules, host);
  const root = ramRoot(mode, PATH.medium, host);
  if (network !== undefined) handOverNetwork(root.path, network);
  return root;
}

function keepRescueTools(): void {
  mkdirSync(PATH.runtime, { recursive: true });
  if (existsSync("/bin/busybox")) copyFileSync("/bin/busybox", PATH.rescueShell);
}

/** An explicit mode takes effect at once; otherwise waits for the installed system. */
async function chooseMode(
  words: BootWords,
  modules: ModuleLoader,
  host: BootHost,
): Promise<{ readonly mode: Exclude<Mode, "local">; readonly state: FoundDevice | undefined }> {
  await modules.loadNew(); // also for the keyboard of a rescue shell
  const requested = decideMode(words, { state: false, waited: false });
  if (requested !== undefined && requested !== "disk") return { mode: requested, state: undefined };
  const state = await findState(words.state, DEVICE_WAIT, modules, host);
  const mode = requested ?? decideMode(words, { state: state !== undefined, waited: true }) ?? "disk";
  return { mode, state };
}

async function bootDisk(state: FoundDevice | undefined, words: BootWords, host: BootHost): Promise<NewRoot> {
  if (state === undefined) {
    throw new CommandError(`No file system labelled "${LABEL.state}" was found`, {
      hint: "check that the disk is attached, or boot the installation medium",
    });
  }
  await mountState(state, NEW_ROOT, host);
  await continueTakeover(NEW_ROOT, host);
  if (settleGeneration(NEW_ROOT, words.generation, host)) {
    // GRUB has already read the links: it started a version that is no longer current
    host.log.info("Rebooting with the previous kernel");
    return await goDown("restart", host);
  }
  await prepareState(NEW_ROOT, host);
  host.log.open(join(NEW_ROOT, "k3os/data", JOURNAL_DIRECTORY));
  return { path: NEW_ROOT, mode: "local" };
}

/** The rescue shell gets its programs from the installed system, whose disk stays mounted, or from the medium. */
async function bootRescue(words: BootWords, modules: ModuleLoader, host: BootHost): Promise<NewRoot> {
  let reason: unknown;
  try {
    const state = await findRescueDisk(words.state, modules, host);
    if (state !== undefined) {
      await mountState(state, PATH.target, host);
      return ramRoot("shell", PATH.target, host);
    }
  } catch (error) {
    host.log.warn(messageOf(error));
    reason = error;
  }
  try {
    await mountMedium(modules, host, 0);
  } catch (error) {
    throw reason ?? error;
  }
  return ramRoot("shell", PATH.medium, host);
}

/** A boot menu that names the disk belongs to an installed system; otherwise a medium will do as well. */
async function findRescueDisk(
  uuid: string | undefined,
  modules: ModuleLoader,
  host: BootHost,
): Promise<FoundDevice | undefined> {
  const look = (over: boolean): { readonly state: FoundDevice | undefined } | undefined => {
    const devices = findDevices();
    const state = chooseState(devices, { uuid, quiet: true, over })?.device;
    const medium = uuid === undefined && mediumCandidates(devices).length > 0;
    return state !== undefined || medium ? { state } : undefined;
  };
  return (await waitFor("a disk or medium", DEVICE_WAIT / 3, look, modules, host))?.state;
}

/** A root in RAM whose `/k3os/system` is that of a mounted medium or disk. */
function ramRoot(mode: "live" | "install" | "shell", source: string, host: BootHost): NewRoot {
  mkdirSync(NEW_ROOT, { recursive: true });
  mount("k3os", NEW_ROOT, { type: "tmpfs", data: "mode=0755" });
  for (const directory of ["k3os/system", "k3os/data", "sbin"]) {
    mkdirSync(join(NEW_ROOT, directory), { recursive: true });
  }
  mount(join(source, "k3os/system"), join(NEW_ROOT, "k3os/system"), { flags: ["bind"] });
  symlinkSync(join("..", PATH.system, "k3os/current", FILE.executable), join(NEW_ROOT, "sbin/init"));
  host.log.debug(`The root in RAM uses ${source}`);
  return { path: NEW_ROOT, mode };
}
