import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { release } from "node:os";
import { dirname, join } from "node:path";
import { readCmdline } from "../../config/read/cmdline.ts";
import { mergeLayers } from "../../config/read/merge.ts";
import type { CloudConfig } from "../../config/schema/schema.ts";
import { MIB } from "../../tools/fs/size.ts";
import { FILE, PATH } from "../../tools/host/paths.ts";
import { mount, mountImage, unmount } from "../../tools/host/sys.ts";
import { hostTarget } from "../../tools/host/targets.ts";
import { checkIso, fetchIso, type IsoImage, isoName } from "../../tools/release/iso-image.ts";
import { rememberRelease } from "../../tools/release/release-memory.ts";
import { createProgress, formatBytes } from "../../tools/terminal/progress.ts";
import { CommandError, during } from "../../tools/text/errors.ts";
import type { BootHost } from "../boot-host.ts";
import { loadNamedModules, type ModuleLoader } from "../module-loader.ts";
import { bringUpNetwork } from "../network/bring-up.ts";
import { networkDrivers } from "../network/drivers.ts";
import { carriedNetwork } from "../network/hand-over.ts";
import type { Configured } from "../network/interface.ts";
import { networkWords } from "../network/words.ts";
import { correctClock } from "./clock.ts";

/** Where the ISO is in memory until it is mounted; then only the loop device refers to it. */
const DOWNLOAD = "/run/k3os/download";
/** Bytes of memory that the system needs besides the ISO. */
const SYSTEM_MEMORY = 640 * MIB;

type Settings = NonNullable<CloudConfig["k3os"]>;

/** The settings of a network ISO on the kernel command line; undefined if it names no ISO. */
export interface NetworkIso {
  readonly url: string;
  readonly cmdline: string;
  readonly settings: Settings;
}

/** Reads `k3os.install.iso_url`. A path is ignored: at boot it is not yet known where to look for it. */
export function networkIso(cmdline: string): NetworkIso | undefined {
  const settings = mergeLayers([readCmdline(cmdline, "kernel command line")]).config.k3os ?? {};
  const url = settings.install?.isoUrl;
  return url !== undefined && /^https?:\/\//i.test(url) ? { url, cmdline, settings } : undefined;
}

/**
 * Configures the network, downloads the ISO into memory and mounts it as the medium. Its signed content is verified
 * before anything is mounted. Returns the network settings for connman. Throws CommandError with the reason.
 */
export async function mountNetworkIso(
  { url, cmdline, settings }: NetworkIso,
  createModules: () => ModuleLoader,
  host: BootHost,
): Promise<string | undefined> {
  host.log.info(`Fetching the installation medium from the network: ${isoName({ url })}`);
  const network = await bringUp(cmdline, settings, createModules, host);
  await correctClock(host);
  const { releaseKeys: keys = [], insecureSkipVerify: insecure = false } = settings.install ?? {};
  const fetching = withLines({ ...host, env: { ...host.env, ...settings.environment } });
  const iso = await checkIso(url, { keys, insecure }, hostTarget(), fetching);
  await mountFromMemory(iso, fetching);
  warnOfOtherKernel(host);
  writeFileSync(PATH.mediumUrl, url, { mode: 0o600 });
  if (iso.release !== undefined) rememberRelease(dirname(PATH.mediumRelease), iso.release, host);
  host.log.info("Mounted the installation medium from the network");
  return carriedNetwork(network.map(({ link }) => link));
}

async function bringUp(
  cmdline: string,
  { modules = [], dnsNameservers = [] }: Settings,
  createModules: () => ModuleLoader,
  host: BootHost,
): Promise<readonly Configured[]> {
  using _drivers = networkDrivers();
  await loadNamedModules(modules, host);
  // a new loader: the drivers for earlier requests of devices may have been missing until now
  return await bringUpNetwork(networkWords(cmdline), dnsNameservers, createModules(), host);
}

async function mountFromMemory(iso: IsoImage, host: BootHost): Promise<void> {
  const room = roomFor(iso, host);
  mkdirSync(DOWNLOAD, { recursive: true });
  mount("k3os", DOWNLOAD, { type: "tmpfs", data: `mode=0700,size=${room}` });
  try {
    const file = join(DOWNLOAD, "medium.iso");
    await fetchIso(iso, file, host);
    await during(`Mounting ${isoName(iso)}`, () => mountIso(file));
    rmSync(file);
  } finally {
    unmount(DOWNLOAD, { lazy: true }); // the loop device keeps the content
  }
}

function mountIso(file: string): void {
  mountImage(file, PATH.medium, "iso9660");
  if (existsSync(join(PATH.medium, "k3os/system/k3os/current", FILE.executable))) return;
  unmount(PATH.medium);
  throw new CommandError("it holds no k3OS");
}

/** Progress as lines of the journal, which reach every console. */
function withLines(host: BootHost): BootHost {
  const write = (text: string) => host.log.info(text.trimEnd());
  return { ...host, progress: (label, total) => createProgress(label, total, { write }, host.clock) };
}

/** Size in bytes of the file system for the ISO. Throws CommandError if memory is too small for it and a system. */
function roomFor(iso: IsoImage, host: Pick<BootHost, "log">): number {
  const { total, available } = parseMeminfo(readFileSync("/proc/meminfo", "utf8"));
  const { size } = iso;
  if (size === undefined) {
    host.log.warn("The server does not send the size of the ISO: it may not fit into memory");
    return Math.max(0, available - SYSTEM_MEMORY);
  }
  const required = size + SYSTEM_MEMORY;
  const memory = `${formatBytes(available)} of ${formatBytes(total)} are free`;
  if (required > available) {
    throw new CommandError(
      `Not enough memory to run from the network: the ISO takes ${formatBytes(size)}, the system ${formatBytes(SYSTEM_MEMORY)}; ${memory}`,
      { hint: "give the machine 2 GiB of memory, or boot it from a medium" },
    );
  }
  host.log.info(
    `The ISO takes ${formatBytes(size)} of memory, the system ${formatBytes(SYSTEM_MEMORY)}; ${memory}`,
  );
  return size + MIB;
}

/** Total and available memory in bytes, from /proc/meminfo (proc_meminfo(5)). */
export function parseMeminfo(text: string): { readonly total: number; readonly available: number } {
  const kib = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, "m").exec(text)?.[1] ?? 0);
  return { total: kib("MemTotal") * 1024, available: kib("MemAvailable") * 1024 };
}

/**
 * A kernel of another release finds no modules there, so it cannot use disks and cards that need more than the initrd's
 * drivers.
 */
function warnOfOtherKernel(host: Pick<BootHost, "log">): void {
  const directory = join(PATH.medium, "k3os/system/kernel");
  const kernels = existsSync(directory) ? readdirSync(directory).filter((name) => name !== "current") : [];
  if (kernels.includes(release())) return;
  const kernel = kernels.length === 0 ? "no kernel" : `the kernel ${kernels.join(", ")}`;
  host.log.warn(
    `The ISO has ${kernel}, and this is ${release()}: take k3os-vmlinuz and k3os-initrd of the same release`,
  );
}
