import {
  copyFileSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  rmSync,
  statSync,
} from "node:fs";
import { dirname, join } from "node:path";
import type { Host } from "../tools/host/host.ts";
import { inRoot, PATH } from "../tools/host/paths.ts";
import { mount, unmount } from "../tools/host/sys.ts";
import { messageOf } from "../tools/text/errors.ts";
import type { BootHost } from "./boot-host.ts";
import { EMBEDDED_MEDIUM, NEW_ROOT } from "./initrd-paths.ts";

/** Names in the root that belong to the initrd itself, or that we or the kernel create. */
const OWN = [
  ...[
    "bin",
    "dev",
    "etc",
    "init",
    "k3os",
    "lib",
    "lib64",
    "mnt",
    "proc",
    "root",
    "run",
    "sbin",
    "sys",
    "tmp",
  ],
  ...["usr", "var", EMBEDDED_MEDIUM.slice(1), NEW_ROOT.slice(1)],
];

/** These files are kept in memory, and should only be configurations. */
const MAX_BYTES = 32 << 20;

/**
 * Keeps files that the user added to the root of the initrd (`virt-install --initrd-inject`, an archive that a boot
 * loader appends), for {@link withInjected}. Failures are reported.
 */
export function keepInjected(host: BootHost): void {
  try {
    const { dev } = lstatSync("/");
    const names = injectedNames(readdirSync("/")).filter((name) => lstatSync(join("/", name)).dev === dev);
    if (names.length === 0) return;
    mkdirSync(PATH.injected, { recursive: true, mode: 0o700 });
    let left = MAX_BYTES;
    for (const name of names) {
      const size = sizeOf(join("/", name));
      left -= size;
      if (left < 0) host.log.warn(`"/${name}" of the initrd is not kept: more than ${MAX_BYTES >> 20} MiB`);
      else cpSync(join("/", name), join(PATH.injected, name), { recursive: true, verbatimSymlinks: true });
    }
  } catch (error) {
    host.log.warn(`Cannot keep the files that were added to the initrd: ${messageOf(error)}`);
  }
}

/** The added files among the names in the initrd's root. */
export function injectedNames(names: readonly string[]): string[] {
  return names.filter((name) => !OWN.includes(name) && !name.startsWith("."));
}

function sizeOf(path: string): number {
  const found = lstatSync(path);
  if (!found.isDirectory()) return found.size;
  return readdirSync(path).reduce((sum, name) => sum + sizeOf(join(path, name)), 0);
}

/** Runs `action` while the files of {@link keepInjected} are at `/.base`, where the original had the initrd's root. */
export async function withInjected(action: () => Promise<void>): Promise<void> {
  if (!existsSync(PATH.injected)) return await action();
  mount(PATH.injected, PATH.base, { flags: ["bind"] });
  try {
    await action();
  } finally {
    unmount(PATH.base, { lazy: true });
    rmSync(PATH.injected, { recursive: true });
  }
}

/**
 * Copies the certificates that `SSL_CERT_FILE` names from the initrd's root to the same path, unless that exists: the
 * first stage has used them, and the installer needs them for its own requests. To be called in {@link withInjected}.
 */
export function keepAuthority(path: string | undefined, host: Pick<Host, "root" | "log">): void {
  if (path === undefined || !path.startsWith("/")) return;
  const [source, target] = [inRoot(host, join(PATH.base, path)), inRoot(host, path)];
  if (existsSync(target) || statSync(source, { throwIfNoEntry: false })?.isFile() !== true) return;
  mkdirSync(dirname(target), { recursive: true });
  copyFileSync(source, target);
  host.log.info(`Kept "${path}" of the initrd, which SSL_CERT_FILE names`);
}
