import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { CommandError } from "../errors.ts";
import { inRoot } from "../paths.ts";
import { type Applier, type ApplyHost, forEachItem, plainText } from "./applier.ts";
import { putFile, readIfExists } from "./files.ts";

const KERNEL_NAME = "/proc/sys/kernel/hostname";
/** HOST_NAME_MAX of Linux. */
const MAX_LENGTH = 64;

/** Names the machine: in the kernel, /etc/hostname, and the 127.0.1.1 line of an existing /etc/hosts. */
export const hostname: Applier = {
  name: "hostname",
  apply: async (config, host) => {
    const wanted = config.hostname?.trim() ?? "";
    if (wanted === "") return;
    await forEachItem([["hostname", wanted]], (name) => setName(checkHostname(name), host));
  },
};

function setName(name: string, host: ApplyHost): void {
  const kernel = inRoot(host, KERNEL_NAME);
  if (existsSync(kernel) && readFileSync(kernel, "utf8").trim() !== name) {
    if (host.dryRun) host.log.info(`Would name this machine "${name}"`);
    else writeFileSync(kernel, name);
  }
  putFile("/etc/hostname", `${name}\n`, {}, host);
  const hosts = readIfExists("/etc/hosts", host); // early in the boot there is none yet
  if (hosts !== undefined) putFile("/etc/hosts", renameInHosts(hosts, name), {}, host);
}

function checkHostname(name: string): string {
  if (name.length <= MAX_LENGTH && !/[\s/]/.test(plainText(name))) return name;
  throw new CommandError(
    `found ${JSON.stringify(name)}, wanted one word of at most ${MAX_LENGTH} characters`,
  );
}

/** The text of a hosts file with the names of 127.0.1.1 replaced; all other lines stay as they are. */
export function renameInHosts(hosts: string, name: string): string {
  const dot = name.indexOf(".");
  const alias = dot < 0 ? `${name}.localdomain` : name.slice(0, dot);
  return hosts.replaceAll(/^[ \t]*127\.0\.1\.1[ \t].*$/gm, `127.0.1.1\t${name} ${alias}`);
}
