import { printableText } from "../text/printable.ts";

/** A network interface from `ip -json address`, with the fields used here. */
interface Interface {
  readonly ifname: string;
  readonly operstate?: string;
  readonly addr_info?: readonly {
    readonly local: string;
    readonly prefixlen: number;
    readonly scope?: string;
  }[];
}

/** Interfaces of Kubernetes networks: a node has dozens, and none of them is for logging in. */
const HIDDEN = /^(?:lo$|flannel|cni|veth|cali|kube-)/;

/** An interface of the machine itself, for display. */
export interface InterfaceAddresses {
  readonly name: string;
  /** `UP`, `DOWN`, `UNKNOWN`; empty if the kernel does not report it. */
  readonly state: string;
  /** `10.0.2.15/24`; without link-local addresses. */
  readonly addresses: readonly string[];
}

/** The machine's own interfaces, from the output of `ip -json address`. */
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

/** The interfaces with their state and addresses as a table, from the output of `ip -json address`. */
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
 * The text above the login prompt of a terminal: the image's text, with the table before its last paragraph. A
 * backslash would begin an escape of agetty(8), so it is doubled.
 */
export function issueText(template: string, table: string): string {
  const text = template.trimEnd();
  const at = text.lastIndexOf("\n\n");
  return `${text.slice(0, at + 2)}${printableText(table).replaceAll("\\", "\\\\")}${text.slice(at + 1)}\n\n`;
}
