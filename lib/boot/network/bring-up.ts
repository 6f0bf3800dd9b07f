import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { isThere } from "../../tools/fs/links.ts";
import { cmd } from "../../tools/host/cmd.ts";
import type { Host } from "../../tools/host/host.ts";
import { inRoot } from "../../tools/host/paths.ts";
import { CommandError, messageOf } from "../../tools/text/errors.ts";
import type { ModuleLoader } from "../module-loader.ts";
import { type Card, describeCard, findCards } from "./cards.ts";
import { type Configured, configure, type DhcpPatience, ip } from "./interface.ts";
import { type NetworkPlan, planNetwork, requiredDevices } from "./network-plan.ts";
import type { NetworkWords } from "./words.ts";

/** Milliseconds for a card to appear and for its link to come up; a switch may be slow. */
const CARD_WAIT = 15_000;
const LINK_WAIT = 15_000;
/** Milliseconds that the other cards get after the first link. */
const OTHER_LINKS_WAIT = 3_000;
const POLL = 100;
const CARDS = "/sys/class/net";

/** The first round is short, since it also tries cards without a server; the second allows for a slow switch. */
const PATIENCE: readonly DhcpPatience[] = [
  { tries: 5, seconds: 2 },
  { tries: 10, seconds: 3 },
];

/** Also read by the running system, where connman writes it once it has found the servers itself. */
const RESOLVER = { file: "/run/connman/resolv.conf", link: "/etc/resolv.conf" };

type NetHost = Pick<Host, "root" | "run" | "clock" | "log">;

/**
 * Configures the network according to the kernel command line, by default by DHCP on every card with a link.
 * `nameservers` are used after those of an interface. Returns the interfaces with an address; throws CommandError if
 * there are none.
 */
export async function bringUpNetwork(
  words: NetworkWords,
  nameservers: readonly string[],
  modules: ModuleLoader,
  host: NetHost,
): Promise<readonly Configured[]> {
  for (const problem of words.problems) host.log.warn(`Kernel command line: ${problem}`);
  const cards = await waitForCards(words, modules, host);
  const linked = await waitForLinks(words, cards, host);
  const plan = planNetwork(words, linked);
  for (const problem of plan.problems) host.log.warn(`Network: ${problem}`);
  if (plan.links.length === 0) throw nothingToConfigure(plan, linked);
  for (const { device, parent, id } of plan.vlans) {
    await host.run(cmd`/bin/busybox modprobe -q 8021q`, { check: false }); // it may be built in
    await ip(["link", "add", "link", parent, "name", device, "type", "vlan", "id", String(id)], host);
    await ip(["link", "set", "dev", device, "up"], host);
  }
  const configured = await configureLinks(plan, host);
  for (const found of configured) host.log.info(describe(found));
  const linkServers = configured.flatMap((found) => found.nameservers);
  writeResolver([...new Set([...linkServers, ...nameservers])], host);
  return configured;
}

/** The named cards, otherwise all cards; at the end of the wait, those that have appeared. */
async function waitForCards(words: NetworkWords, modules: ModuleLoader, host: NetHost): Promise<Card[]> {
  const required = requiredDevices(words);
  for (let waited = 0; ; waited += POLL) {
    await modules.loadNew();
    const cards = findCards(inRoot(host, CARDS));
    const names = cards.map(({ name }) => name);
    const isComplete = cards.length > 0 && required.every((name) => names.includes(name));
    if (isComplete || waited >= CARD_WAIT) return cards;
    if (waited === 20 * POLL) host.log.info(`Waiting for a network card (up to ${CARD_WAIT / 1000} s)`);
    await host.clock.sleep(POLL);
  }
}

/** Switches on the cards that may be needed and waits for their links; returns their state afterwards. */
async function waitForLinks(words: NetworkWords, cards: readonly Card[], host: NetHost): Promise<Card[]> {
  const required = requiredDevices(words);
  const isOpen = words.interfaces.length === 0 || words.interfaces.some(({ device }) => device === undefined);
  const used = isOpen ? cards : cards.filter(({ name }) => required.includes(name));
  for (const { name } of used) await ip(["link", "set", "dev", name, "up"], host);
  let firstAt: number | undefined;
  for (let waited = 0; ; waited += POLL) {
    const now = findCards(inRoot(host, CARDS)).filter(({ name }) => used.some((card) => card.name === name));
    const linked = now.filter(({ link }) => link).length;
    if (linked > 0) firstAt ??= waited;
    const isEnough = linked === now.length || (firstAt !== undefined && waited - firstAt >= OTHER_LINKS_WAIT);
    if (isEnough || waited >= LINK_WAIT) return isOpen ? now : [...now, ...without(cards, now)];
    await host.clock.sleep(POLL);
  }
}

/** These cards are not used, but messages name them. */
function without(cards: readonly Card[], found: readonly Card[]): Card[] {
  return cards.filter(({ name }) => found.every((card) => card.name !== name));
}

function nothingToConfigure({ problems }: NetworkPlan, cards: readonly Card[]): CommandError {
  const hint = 'see docs/network-boot.md, "The network", for ip= on the kernel command line';
  if (problems.length > 0)
    return new CommandError(`The network cannot be set up: ${problems.join("; ")}`, { hint });
  if (cards.length === 0) {
    return new CommandError("No network card was found", {
      hint: "its driver may not be in the initrd: boot from a medium, or append the ISO to the initrd",
    });
  }
  if (cards.some(({ link }) => link)) return new CommandError("The network is switched off by ip=", { hint });
  return new CommandError(`No network card has a link: ${cards.map(describeCard).join(", ")}`, {
    hint: "check the cable",
  });
}

/** All at once: a card without a server must not delay the others. */
async function configureLinks({ links }: NetworkPlan, host: NetHost): Promise<Configured[]> {
  const reasons: string[] = [];
  for (const patience of PATIENCE) {
    host.log.info(
      `Setting up ${links.map(({ device, method }) => `${device} (${METHOD_NAMES[method]})`).join(", ")}`,
    );
    const results = await Promise.allSettled(links.map((link) => configure(link, patience, host)));
    const configured = results.flatMap((result) => (result.status === "fulfilled" ? [result.value] : []));
    const failed = results.flatMap((result) =>
      result.status === "rejected" ? [messageOf(result.reason)] : [],
    );
    for (const reason of failed) host.log.warn(`Network: ${reason}`);
    if (configured.length > 0) return configured;
    reasons.splice(0, reasons.length, ...failed);
  }
  throw new CommandError(`The network cannot be set up: ${reasons.join("; ")}`, {
    hint: "check the cable and the DHCP server, or give an address: ip=ADDRESS::GATEWAY:NETMASK::DEVICE:none:DNS",
  });
}

const METHOD_NAMES = { dhcp: "DHCP", auto6: "IPv6 router", dhcp6: "DHCPv6", static: "static" } as const;

function describe({ link, addresses, gateway, nameservers }: Configured): string {
  const parts = [
    ...(gateway === undefined ? [] : [`gateway ${gateway}`]),
    ...(nameservers.length === 0 ? [] : [`name servers ${nameservers.join(" ")}`]),
  ];
  const more = parts.length === 0 ? "" : `, ${parts.join(", ")}`;
  return `${link.device} has ${addresses.join(" ")} (${METHOD_NAMES[link.method]})${more}`;
}

function writeResolver(servers: readonly string[], host: Pick<Host, "root">): void {
  const [file, link] = [inRoot(host, RESOLVER.file), inRoot(host, RESOLVER.link)];
  for (const path of [file, link]) mkdirSync(dirname(path), { recursive: true });
  writeFileSync(file, servers.map((server) => `nameserver ${server}\n`).join(""));
  if (!isThere(link)) symlinkSync(RESOLVER.file, link);
}
