import { existsSync, mkdirSync, realpathSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { CommandError, messageOf } from "../errors.ts";
import { FILE, PATH } from "../paths.ts";
import { mount, mountImage, pivotRoot, setLimit, UNLIMITED } from "../sys.ts";
import type { BootHost } from "./host.ts";
import { isThere } from "./state.ts";
import { moveKernelMounts } from "./switch-root.ts";

/** What is in the root because /usr holds it (the usr-merge of Debian; older k3OS made all but the last). */
const USR_LINKS = ["bin", "sbin", "lib", "lib64"];

const DATA = "/k3os/data";

/**
 * From the state file system (or a foreign board's root) as "/" to `/k3os/data` as "/": the userland of the current
 * version is mounted read-only at /usr and the old root is at /.base. Throws CommandError with the reason.
 */
export async function enterRoot(host: BootHost): Promise<void> {
  raiseLimits(host);
  remountWritable(host);
  await prepareLoop(host);
  const image = rootImage();
  const usr = join(DATA, "usr");
  mkdirSync(DATA, { recursive: true });
  mount(DATA, DATA, { flags: ["bind", "rec"] });
  mkdirSync(usr, { recursive: true });
  mkdirSync(join(DATA, PATH.base), { recursive: true });
  mountImage(image, usr, "squashfs");
  for (const name of USR_LINKS) {
    if (!isThere(join(DATA, name))) symlinkSync(join("usr", name), join(DATA, name));
  }
  mount("none", "/", { flags: ["private", "rec"] }); // pivot_root refuses shared mounts
  moveKernelMounts(DATA);
  pivotRoot(DATA, join(DATA, PATH.base));
  process.chdir("/");
  if (!existsSync("/usr/lib/systemd/systemd")) {
    throw new CommandError(`The root image "${image}" holds no service manager (/usr/lib/systemd/systemd)`);
  }
}

/** As the original: containers inherit these. Failures are only told, since a container may not be allowed to. */
function raiseLimits(host: BootHost): void {
  try {
    setLimit("openFiles", 1_048_576n);
    setLimit("processes", UNLIMITED);
    setLimit("lockedMemory", 67_108_864n);
  } catch (error) {
    host.log.warn(messageOf(error));
  }
}

/** Boards often boot with `ro`. */
export function remountWritable(host: BootHost): void {
  try {
    mount("none", "/", { flags: ["remount", "relatime"] });
  } catch (error) {
    host.log.warn(messageOf(error));
  }
}

/** Our initrd has loaded these modules; a foreign kernel may have them as modules of its own root. */
async function prepareLoop(host: BootHost): Promise<void> {
  if (existsSync("/dev/loop-control")) return;
  for (const name of ["loop", "squashfs", "overlay"]) {
    const { code, stderr } = await host.run(["modprobe", name], { check: false });
    if (code !== 0) host.log.debug(`modprobe ${name}: ${stderr.trim()}`);
  }
}

function rootImage(): string {
  const current = join(PATH.system, "k3os/current");
  if (!existsSync(current)) throw new CommandError(`"${current}" does not lead to a k3OS version`);
  const image = join(realpathSync(current), FILE.rootSquashfs);
  if (existsSync(image)) return image;
  throw new CommandError(`The root image "${image}" is missing`, {
    hint: "boot the previous version, or install this one again",
  });
}
