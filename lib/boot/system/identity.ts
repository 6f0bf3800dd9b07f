import { createHash, randomBytes, randomInt } from "node:crypto";
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { flushDirectory } from "../../tools/fs/atomic.ts";
import { isLostText } from "../../tools/fs/lost-content.ts";
import type { Host } from "../../tools/host/host.ts";
import { inRoot, PATH } from "../../tools/host/paths.ts";
import { setHostname } from "../../tools/host/sys.ts";
import { messageOf } from "../../tools/text/errors.ts";
import type { SystemBoot } from "./boot-step.ts";
import { type KeptText, keptText } from "./kept-text.ts";
import { KEPT_SSH, keepSshSettings } from "./ssh-settings.ts";

const NODE = join(PATH.localState, "node");
const NODE_PASSWORD = "password";

const MACHINE_ID: KeptText = {
  path: join(PATH.localState, "machine-id"),
  mode: 0o444,
  isValid: (text) => /^[0-9a-f]{32}\s*$/.test(text),
  make: () => `${newMachineId()}\n`,
};

type IdentityHost = Pick<Host, "root" | "run" | "log">;

/**
 * Keeps the identity of this machine across boots: machine id, SSH host keys and settings, k3s node password, name of
 * the iSCSI initiator. Each is kept independently, and failures are logged. Never throws.
 */
export async function persistIdentity(host: IdentityHost): Promise<void> {
  const parts: readonly (readonly [what: string, keep: () => void | Promise<void>])[] = [
    ["machine id", () => keepMachineId(host)],
    ["ssh", () => keepSsh(host)],
    ["node password", () => keepNodePassword(host)],
    ["iSCSI initiator", () => keepInitiatorName(host)],
  ];
  for (const [what, keep] of parts) {
    try {
      await keep();
    } catch (error) {
      host.log.error(`${what}: ${messageOf(error)}`);
    }
  }
}

function keepMachineId(host: IdentityHost): void {
  writeFileSync(inRoot(host, "/etc/machine-id"), keptText(MACHINE_ID, host));
}

/** A random id as machine-id(5) requires it: a version 4 UUID without dashes. */
function newMachineId(): string {
  const bytes = randomBytes(16);
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  return bytes.toString("hex");
}

async function keepSsh(host: IdentityHost): Promise<void> {
  await keepSshSettings(host);
  replaceByLink("/etc/ssh", KEPT_SSH, host);
}

/**
 * A server refuses a node that comes with another password than at its first registration. k3s creates a missing
 * password, but does not flush it: a power cut soon afterwards would lock the node out of its cluster for good. So it
 * is created here.
 * https://docs.k3s.io/architecture#how-agent-node-registration-works
 */
function keepNodePassword(host: IdentityHost): void {
  const directory = inRoot(host, NODE);
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  for (const entry of readdirSync(directory, { withFileTypes: true })) {
    const file = join(directory, entry.name);
    if (entry.name === NODE_PASSWORD || !entry.isFile() || !isLostText(readFileSync(file))) continue;
    rmSync(file);
    flushDirectory(directory);
    host.log.warn(`"${NODE}/${entry.name}" was damaged: k3s makes another`);
  }
  const make = () => `${randomBytes(16).toString("hex")}\n`; // as k3s does
  const isValid = (text: string) => /^\S+\s*$/.test(text) && !text.includes("\0");
  keptText({ path: join(NODE, NODE_PASSWORD), mode: 0o600, isValid, make }, host);
  replaceByLink("/etc/rancher/node", NODE, host);
}

/**
 * The name of this machine for iSCSI storage, in the file that Debian's open-iscsi writes at its first start without a
 * flush. It is derived from the machine id, so a lost name is restored.
 */
function keepInitiatorName(host: IdentityHost): void {
  const machineId = readFileSync(inRoot(host, "/etc/machine-id"), "utf8");
  const unique = createHash("sha256").update(`iSCSI initiator ${machineId}`).digest("hex").slice(0, 12);
  keptText(
    {
      path: "/var/lib/iscsi/initiatorname.iscsi",
      mode: 0o600,
      isValid: (text) => /^InitiatorName=\S/m.test(text) && !text.includes("\0"),
      isTemplate: (text) => text.startsWith("GenerateName=yes"),
      make: () => `InitiatorName=iqn.1993-08.org.debian:01:${unique}\n`,
    },
    host,
  );
}

function replaceByLink(path: string, target: string, host: Pick<Host, "root">): void {
  const link = inRoot(host, path);
  mkdirSync(dirname(link), { recursive: true });
  rmSync(link, { recursive: true, force: true });
  symlinkSync(target, link);
}

/** Sets the host name to the configured name, or to the stored one, which is generated at the first boot. */
export function nameHost(host: Pick<Host, "root" | "log">): void {
  setHostname(hostName(host));
}

/** The name set by {@link nameHost}, from /etc/hostname. */
export function hostName(host: Pick<Host, "root" | "log">): string {
  const file = inRoot(host, "/etc/hostname");
  if (!existsSync(file)) writeFileSync(file, keptText(HOST_NAME, host));
  return readFileSync(file, "utf8").trim();
}

const HOST_NAME: KeptText = {
  path: PATH.keptHostname,
  mode: 0o644,
  isValid: (text) => /^[^\s/\0]{1,64}\s*$/.test(text),
  make: () => `k3os-${randomInt(0, 32_768)}\n`,
};

/** The hosts file of a machine with this name. */
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

/** Writes /etc/hosts unless the configuration does. */
export function writeHosts(): void {
  if (existsSync("/etc/hosts")) return;
  writeFileSync("/etc/hosts", hostsFile(readFileSync("/etc/hostname", "utf8").trim()));
}

/** Lets `rancher` log in on the console of a medium without a password, and shows how to install. */
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
