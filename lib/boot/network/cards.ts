import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** A wired network card, as the kernel reports it. */
export interface Card {
  readonly name: string;
  /** Lower case. */
  readonly mac: string;
  /** A cable is plugged in and the other end is active; false while the card is switched off. */
  readonly link: boolean;
}

const ETHERNET = "1"; // linux/if_arp.h

/** All wired network cards, by name; `sys` is the kernel's directory of them (/sys/class/net). */
export function findCards(sys: string): Card[] {
  const names = existsSync(sys) ? readdirSync(sys) : [];
  const cards = names.flatMap((name) => {
    const field = (file: string) => read(join(sys, name, file));
    // interfaces that are not hardware have a kind: wlan, vlan, bridge, bond …
    if (field("type") !== ETHERNET || /^DEVTYPE=/m.test(field("uevent") ?? "")) return [];
    return [{ name, mac: (field("address") ?? "").toLowerCase(), link: field("carrier") === "1" }];
  });
  return cards.sort((a, b) => a.name.localeCompare(b.name, "en", { numeric: true }));
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8").trim();
  } catch {
    return undefined; // the card is switched off (EINVAL), or has just been removed
  }
}

/** A card as it appears in messages. */
export function describeCard({ name, mac, link }: Card): string {
  return `${name} (${mac}${link ? "" : ", no link"})`;
}
