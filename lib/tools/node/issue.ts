import { printableText } from "../text/printable.ts";

/** A network interface as `ip -json address` has it; what is not used here is left out. */
interface Interface {
  readonly ifname: string;
  readonly operstate?: string;
  readonly addr_info?: readonly {
    readonly local: string;
    readonly prefixlen: number;
    readonly scope?: string;
  }[];
}

/** Interfaces that Kubernetes networks make: a node has dozens, and nobody reaches it by them. */
const HIDDEN = /^(?:lo$|flannel|cni|veth|cali|kube-)/;

/** An interface of the machine itself, as people want to see it. */
export interface InterfaceAddresses {
  readonly name: string;
  /** `UP`, `DOWN`, `UNKNOWN`; empty where the kernel does not say. */
  readonly state: string;
  /** `10.0.2.15/24`; without those that are valid on one link only. */
  readonly addresses: readonly string[];
}

/** The machine's own interfaces, from what `ip -json address` prints. */
export function ownInterfaces(ipJson: string): readonly InterfaceAddresses[] {
  const interfaces = JSON.parse(ipJson || "[]") as readonly Interface[];
  return interfaces
    .filter(({ ifname }) => !HIDDEN.test(ifname))
    .map(({ ifname, operstate = "", addr_info = [] }) => {
      const global = addr_info.filter(({ scope }) => scope !== "link");
      const addresses = global.map(({ local, prefixlen }) => `${local}/${prefixlen}`);
      return { name: ifname, state: operstate, addresses };
    });
}

/** The interfaces with their state and addresses as a table, from what `ip -json address` prints. */
export function addressTable(ipJson: string): string {
  const rows = ownInterfaces(ipJson).map(({ name, state, addresses }) => [name, state, addresses.join(" ")]);
  const table = [["NIC", "State", "Address"], ...rows];
  const width = (column: number) => Math.max(...table.map((row) => row[column]?.length ?? 0));
  const [first, second] = [width(0), width(1)];
  return table
    .map(([nic = "", state = "", address = ""]) => {
      return `${nic.padEnd(first)}  ${state.padEnd(second)}  ${address}`.trimEnd();
    })
    .map((line) => `${line}\n`)
    .join("");
}

/**
 * What a terminal shows above its login prompt: the image's text, with the table before its last paragraph. A backslash
 * would begin an escape of agetty(8).
 */
export function issueText(template: string, table: string): string {
  const text = template.trimEnd();
  const at = text.lastIndexOf("\n\n");
  return `${text.slice(0, at + 2)}${printableText(table).replaceAll("\\", "\\\\")}${text.slice(at + 1)}\n\n`;
}
