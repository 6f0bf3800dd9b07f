import { chmodSync, existsSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fillTree } from "../../tools/fs/fill-tree.ts";
import { linkTarget } from "../../tools/fs/links.ts";
import { cmd } from "../../tools/host/cmd.ts";
import { PATH } from "../../tools/host/paths.ts";
import { mount, SystemCallError, unmount } from "../../tools/host/sys.ts";
import { CommandError, messageOf } from "../../tools/text/errors.ts";
import type { SystemBoot } from "./boot-step.ts";

/** Directories of the running root that no package contains, with their modes. */
const DIRECTORIES: Readonly<Record<string, number>> = {
  "/etc": 0o755,
  "/tmp": 0o1777,
  "/home": 0o755,
  "/root": 0o700,
  "/opt": 0o755,
  "/srv": 0o755,
  "/mnt": 0o755,
  "/media": 0o755,
  "/boot": 0o755,
  "/k3os/system": 0o755,
  "/var/cache": 0o755,
  "/var/lib": 0o755,
  "/var/lib/nfs": 0o755,
  "/var/lib/rancher/k3s/agent/libexec/kubernetes": 0o755,
  "/var/lib/rancher/k3os/config.d": 0o755,
  "/var/local/bin": 0o755,
  "/var/local/sbin": 0o755,
  "/var/log": 0o755,
  "/var/opt": 0o755,
  "/var/spool": 0o755,
  "/var/tmp": 0o1777,
  "/var/empty": 0o555,
};

/** Skeleton of /var in the image. */
const VAR_SKELETON = "/usr/share/k3os/var";

/** Creates the writable directories of the root, and missing files of /var. */
export function makeDirectories(boot: Pick<SystemBoot, "log">): void {
  const umask = process.umask(0);
  for (const [path, mode] of Object.entries(DIRECTORIES)) {
    if (!existsSync(path)) mkdirSync(path, { recursive: true, mode });
  }
  process.umask(umask);
  if (linkTarget("/var/run") === undefined) {
    rmSync("/var/run", { recursive: true, force: true });
    symlinkSync("/run", "/var/run");
  }
  if (existsSync(VAR_SKELETON)) fillTree(VAR_SKELETON, "/var", boot);
  mount("tmpfs", "/tmp", {
    type: "tmpfs",
    flags: ["nosuid", "nodev", "noexec", "relatime"],
    data: "mode=1777,size=10%",
  });
}

const ETC_TEMPLATE = "/usr/etc";

/**
 * /etc starts every boot as the image's template, and its changes are in memory: an overlay, since copying hundreds of
 * files takes seconds of a slow processor. A foreign kernel may have no overlay file system: then they are copied.
 */
export async function buildEtc(boot: SystemBoot): Promise<void> {
  if (!existsSync(ETC_TEMPLATE)) throw new CommandError(`The root image holds no "${ETC_TEMPLATE}"`);
  if (mountEtc(boot)) return;
  mount("tmpfs", "/etc", { type: "tmpfs", flags: [...ETC_FLAGS], data: "mode=0755" });
  await boot.run(cmd`cp -a ${ETC_TEMPLATE}/. /etc`);
}

const ETC_FLAGS = ["nosuid", "nodev", "relatime"] as const;

/** Returns false if the kernel cannot do it. */
function mountEtc(boot: Pick<SystemBoot, "log">): boolean {
  const [upper, work] = [join(PATH.etcChanges, "upper"), join(PATH.etcChanges, "work")];
  // only root may look behind the overlay; its own root has the mode of `upper`
  mkdirSync(PATH.etcChanges, { recursive: true });
  chmodSync(PATH.etcChanges, 0o700);
  for (const directory of [upper, work]) mkdirSync(directory);
  chmodSync(upper, 0o755);
  try {
    const data = `lowerdir=${ETC_TEMPLATE},upperdir=${upper},workdir=${work}`;
    mount("overlay", "/etc", { type: "overlay", flags: ETC_FLAGS, data });
    return true;
  } catch (error) {
    if (!(error instanceof SystemCallError)) throw error;
    boot.log.debug(messageOf(error));
    rmSync(PATH.etcChanges, { recursive: true });
    return false;
  }
}

/** Mounts the system directory read-only at its documented path, and the boot loader's directory if there is one. */
export function bindSystem(): void {
  const system = `${PATH.base}${PATH.system}`;
  mount(system, PATH.system, { flags: ["bind"] });
  mount("none", PATH.system, { flags: ["remount", "bind", "ro"] });
  if (existsSync(`${PATH.base}/boot`)) mount(`${PATH.base}/boot`, "/boot", { flags: ["bind"] });
}

/** Writes the mode to the file that the configuration, the installer and k3s read. */
export function recordMode(boot: SystemBoot): void {
  mkdirSync(PATH.runtime, { recursive: true });
  writeFileSync(PATH.mode, `${boot.mode}\n`);
}

/** Detaches the old root with all mounts of the boot below it; bind mounts elsewhere stay. */
export function leaveBase(): void {
  rmSync(PATH.rescueShell, { force: true });
  const INVALID = 22; // not a mount point, or no longer one
  for (;;) {
    try {
      unmount(PATH.base, { lazy: true });
    } catch (error) {
      if (error instanceof SystemCallError && error.errno === INVALID) return;
      throw error;
    }
  }
}
