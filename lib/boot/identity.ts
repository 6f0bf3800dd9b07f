import { createHash, randomBytes, randomInt } from "node:crypto";
import {
  appendFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { PATH } from "../paths.ts";
import { setHostname } from "../sys.ts";
import type { SystemBoot } from "./system.ts";

const MACHINE_ID = join(PATH.localState, "machine-id");
const SSH = join(PATH.localState, "ssh");
const NODE = join(PATH.localState, "node");

/** Keeps across boots what makes this machine itself: machine id, ssh host keys and settings, k3s node password. */
export function persistIdentity(): void {
  const id = existsSync(MACHINE_ID) ? readFileSync(MACHINE_ID, "utf8").trim() : "";
  const machineId = /^[0-9a-f]{32}$/.test(id) ? id : newMachineId();
  if (machineId !== id) writeFileSync(MACHINE_ID, `${machineId}\n`, { mode: 0o444 });
  writeFileSync("/etc/machine-id", `${machineId}\n`);
  persistSsh();
  mkdirSync(NODE, { recursive: true, mode: 0o700 });
  replaceByLink("/etc/rancher/node", NODE);
}

/** A random id as machine-id(5) wants it: a version 4 UUID without dashes. */
function newMachineId(): string {
  const bytes = randomBytes(16);
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  return bytes.toString("hex");
}

/**
 * /etc/ssh is kept whole, since its owner may edit it; but a file that still is as an earlier image brought it follows
 * the image, so that a release can change the server's defaults.
 */
function persistSsh(): void {
  if (!existsSync(SSH)) {
    cpSync("/etc/ssh", SSH, { recursive: true });
  } else {
    const shipped = join("/etc/ssh", "sshd_config");
    const kept = join(SSH, "sshd_config");
    const mark = join(SSH, ".shipped");
    const last = existsSync(mark) ? readFileSync(mark, "utf8").trim() : "";
    if (!existsSync(kept) || digest(kept) === last) cpSync(shipped, kept);
  }
  writeFileSync(join(SSH, ".shipped"), `${digest("/etc/ssh/sshd_config")}\n`);
  replaceByLink("/etc/ssh", SSH);
}

function digest(path: string): string {
  return createHash("sha256").update(readFileSync(path)).digest("hex");
}

function replaceByLink(path: string, target: string): void {
  mkdirSync(dirname(path), { recursive: true });
  rmSync(path, { recursive: true, force: true });
  symlinkSync(target, path);
}

/** Gives the host the name that the configuration has set by now, or else the kept one, generated at the first boot. */
export function nameHost(): void {
  if (!existsSync("/etc/hostname")) {
    if (!existsSync(PATH.keptHostname)) writeFileSync(PATH.keptHostname, `k3os-${randomInt(0, 32_768)}\n`);
    writeFileSync("/etc/hostname", readFileSync(PATH.keptHostname, "utf8"));
  }
  const name = readFileSync("/etc/hostname", "utf8").trim();
  setHostname(name);
}

/** The hosts file of a machine of this name. */
export function hostsFile(name: string): string {
  return `127.0.0.1\tlocalhost localhost.localdomain
127.0.1.1\t${name} ${name}.localdomain

::1\tip6-localhost ip6-loopback
fe00::0\tip6-localnet
ff00::0\tip6-mcastprefix
ff02::1\tip6-allnodes
ff02::2\tip6-allrouters
`;
}

/** Writes /etc/hosts unless the configuration has. */
export function writeHosts(): void {
  if (existsSync("/etc/hosts")) return;
  writeFileSync("/etc/hosts", hostsFile(readFileSync("/etc/hostname", "utf8").trim()));
}

/** Lets `rancher` log in on the console of a medium without a password, and says how to install. */
export function openLiveLogin(boot: Pick<SystemBoot, "mode">): void {
  const shadow = readFileSync("/etc/shadow", "utf8");
  writeFileSync("/etc/shadow", withoutPassword(shadow, "rancher"), { mode: 0o640 });
  if (boot.mode === "shell") return;
  appendFileSync(
    "/etc/motd",
    "You can configure this system or install it to disk with: sudo k3os install\n",
  );
}

/** The text of /etc/shadow with the password of `user` made empty (shadow(5)). */
export function withoutPassword(shadow: string, user: string): string {
  return shadow.replaceAll(/^([^:\n]+):[^:\n]*:/gm, (line, name: string) =>
    name === user ? `${name}::` : line,
  );
}
