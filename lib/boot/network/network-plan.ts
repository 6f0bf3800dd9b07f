import { isIPv6 } from "node:net";
import { type Card, describeCard } from "./cards.ts";
import type { IpWord, NetworkWords, VlanWord } from "./words.ts";

/** An interface to be configured, and how. */
export interface LinkPlan extends Omit<IpWord, "device"> {
  readonly device: string;
  readonly method: Exclude<IpWord["method"], "off">;
  /** The interface was not named explicitly: no answer on it is not a failure. */
  readonly tried: boolean;
}

export interface NetworkPlan {
  readonly vlans: readonly VlanWord[];
  readonly links: readonly LinkPlan[];
  /** Requests that cannot be fulfilled. */
  readonly problems: readonly string[];
}

/** The devices that the boot must wait for: those that the parameters name, with VLANs replaced by their parents. */
export function requiredDevices({ interfaces, vlans }: NetworkWords): string[] {
  const parents = new Map(vlans.map(({ device, parent }) => [device, parent]));
  const named = interfaces.flatMap(({ device, method }) => {
    return device === undefined || method === "off" ? [] : [parents.get(device) ?? device];
  });
  return [...new Set([...named, ...parents.values()])];
}

/**
 * Decides which interfaces are configured, and how. The default is DHCP on every card with a link, or on the card that
 * the firmware booted from. Pure.
 */
export function planNetwork(words: NetworkWords, cards: readonly Card[]): NetworkPlan {
  const problems: string[] = [];
  const known = new Set(cards.map(({ name }) => name));
  const vlans = words.vlans.filter(({ device, parent }) => {
    if (known.has(parent)) return true;
    problems.push(`${device} cannot be made: ${missing(parent, cards)}`);
    return false;
  });
  for (const { device } of vlans) known.add(device);
  const byDefault: IpWord = { ...BY_DHCP, nameservers: words.nameservers };
  const overVlans = vlans.map(({ device }) => ({ ...byDefault, device }));
  const defaults = overVlans.length > 0 ? overVlans : [byDefault];
  const links = (words.interfaces.length > 0 ? words.interfaces : defaults).flatMap((word): LinkPlan[] => {
    const { method } = word;
    if (method === "off") return [];
    if (word.device !== undefined) {
      if (known.has(word.device)) return [{ ...word, method, device: word.device, tried: false }];
      problems.push(missing(word.device, cards));
      return [];
    }
    const candidates = defaultCards(words.bootCard, cards);
    const chosen = method === "static" ? candidates.slice(0, 1) : candidates;
    return chosen.map(({ name }) => ({ ...word, method, device: name, tried: candidates.length > 1 }));
  });
  return { vlans, links: withoutDoubles(links), problems };
}

const BY_DHCP: IpWord = {
  ...{ device: undefined, method: "dhcp", address: undefined, gateway: undefined },
  ...{ hostname: undefined, mtu: undefined, nameservers: [] },
};

/** The card that the machine booted from, if present; otherwise those with a link. */
function defaultCards(bootCard: string | undefined, cards: readonly Card[]): readonly Card[] {
  const booted = cards.filter(({ mac }) => mac === bootCard);
  return booted.length > 0 ? booted : cards.filter(({ link }) => link);
}

function missing(device: string, cards: readonly Card[]): string {
  const all = cards.map(describeCard).join(", ");
  return `there is no network card "${device}"; there is ${all === "" ? "none" : all}`;
}

/** One device may have an IPv4 and an IPv6 configuration; the last one of each protocol counts. */
function withoutDoubles(links: readonly LinkPlan[]): LinkPlan[] {
  return links.filter((link, at) => {
    const same = (other: LinkPlan) => other.device === link.device && protocol(other) === protocol(link);
    return !links.slice(at + 1).some(same);
  });
}

function protocol({ method, address }: LinkPlan): 4 | 6 {
  if (method === "static") return isIPv6(address?.ip ?? "") ? 6 : 4;
  return method === "dhcp" ? 4 : 6;
}
