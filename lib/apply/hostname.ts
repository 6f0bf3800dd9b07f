import { writeFileSync } from "node:fs";
import { HOSTNAME } from "../config/schema/forms.ts";
import { GENERATED, writtenText } from "../config/schema/generated-files.ts";
import { cmd } from "../tools/host/cmd.ts";
import { inRoot, PATH } from "../tools/host/paths.ts";
import { CommandError } from "../tools/text/errors.ts";
import { type Applier, type ApplyHost, forEachItem } from "./applier.ts";
import { type Generator, generator } from "./generator.ts";
import { putFile, readIfExists } from "./system-files.ts";

const KERNEL_NAME = "/proc/sys/kernel/hostname";

/**
 * Sets the host name: in the kernel, in /etc/hostname, and in the 127.0.1.1 line of an existing /etc/hosts.
 *
 * With `dhcp`, the last name in the order of a boot counts: first the boot phase, then DHCP, then a data source. The
 * name comes from a data source if it differs from that of the boot phase. /etc/hostname keeps the configured name
 * while DHCP's is in effect. If the user writes that file, its content is the configured name.
 */
export function hostname(options: { dhcp: boolean }): Applier {
  return {
    name: "hostname",
    apply: async (config, host) => {
      const configured = (writtenText(GENERATED.hostname, config) ?? config.hostname)?.trim() ?? "";
      const files = generator(config, host);
      const name = options.dhcp ? await latestName(configured, host) : configured;
      if (name === "") return;
      await forEachItem([["hostname", name]], () => {
        // the kernel's current name may be older than today's rules
        const checked = name === kernelName(host) ? name : checkHostname(name);
        setName({ name: checked, configured: checkHostname(configured || name) }, files, host);
      });
      if (configured === "") putFile(PATH.keptHostname, `${name}\n`, {}, host);
    },
  };
}

/** Empty if the machine keeps the name that it has without a configuration. */
async function latestName(configured: string, host: ApplyHost): Promise<string> {
  const offered = await takeOffer(host);
  const ofBoot = readIfExists(GENERATED.hostname.path, host)?.trim();
  if (configured !== "" && configured !== ofBoot) return configured;
  if (offered !== "") {
    host.log.info(`DHCP names this machine "${offered}"`);
    return offered;
  }
  return configured === "" ? "" : (kernelName(host) ?? configured);
}

/**
 * The new name that DHCP offers; empty if there is none. It is requested once per boot, before k3s starts: k3s uses the
 * host name as its node name, so a later change would create another node.
 */
async function takeOffer(host: ApplyHost): Promise<string> {
  if (host.dryRun || readIfExists(PATH.dhcpHostname, host) !== undefined) return "";
  const offer = await nameInConnman(host);
  const isOffer = isNew(offer, kernelName(host) ?? "");
  const offered = isOffer && isHostname(offer) ? offer : "";
  if (isOffer && offered === "") {
    const found = JSON.stringify(offer);
    host.log.warn(`DHCP names this machine ${found}, expected ${HOSTNAME.expected}: it is not taken`);
  }
  putFile(PATH.dhcpHostname, offered === "" ? "" : `${offered}\n`, {}, host);
  return offered;
}

/**
 * connman sets DHCP's name in a UTS namespace of its own (connman.service.d/k3os.conf), and nowhere else. Empty if
 * connman does not run or cannot be queried: the configured name is then set anyway.
 */
async function nameInConnman(host: ApplyHost): Promise<string> {
  const show = cmd`systemctl show --property=MainPID --value connman.service`;
  const pid = (await host.run(show, { check: false })).stdout.trim(); // no output if systemd does not run
  if (!/^[1-9]\d*$/.test(pid)) return "";
  const ask = cmd`nsenter --uts --target=${pid} uname -n`;
  const { code, stdout, stderr } = await host.run(ask, { check: false });
  if (code === 0) return stdout.trim();
  host.log.warn(`Cannot ask connman for the host name that DHCP offered: ${stderr.trim()}`);
  return "";
}

/**
 * Many servers return the name that the client sent, often without its domain; "localhost" comes from broken servers.
 */
function isNew(offered: string, name: string): boolean {
  const [offer, current] = [offered.toLowerCase(), name.toLowerCase()];
  return offer !== "" && offer !== "localhost" && offer !== current && !current.startsWith(`${offer}.`);
}

function kernelName(host: ApplyHost): string | undefined {
  return readIfExists(KERNEL_NAME, host)?.trim();
}

function setName(
  { name, configured }: { name: string; configured: string },
  files: Generator,
  host: ApplyHost,
): void {
  const current = kernelName(host);
  if (current !== undefined && current !== name) {
    if (host.dryRun) host.log.info(`Would name this machine "${name}"`);
    else writeFileSync(inRoot(host, KERNEL_NAME), name);
  }
  files.put(GENERATED.hostname, `${configured}\n`);
  const hosts = readIfExists(GENERATED.hosts.path, host); // early in the boot the file does not exist yet
  if (hosts !== undefined) files.put(GENERATED.hosts, renameInHosts(hosts, name));
}

function checkHostname(name: string): string {
  if (isHostname(name)) return name;
  throw new CommandError(`found ${JSON.stringify(name)}, expected ${HOSTNAME.expected}`);
}

function isHostname(name: string): boolean {
  return new RegExp(HOSTNAME.pattern).test(name);
}

/** The text of a hosts file with the names of 127.0.1.1 replaced; all other lines stay as they are. */
export function renameInHosts(hosts: string, name: string): string {
  const dot = name.indexOf(".");
  const alias = dot < 0 ? `${name}.localdomain` : name.slice(0, dot);
  return hosts.replaceAll(/^[ \t]*127\.0\.1\.1[ \t].*$/gm, `127.0.1.1\t${name} ${alias}`);
}
