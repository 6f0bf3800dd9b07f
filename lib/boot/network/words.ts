import { isIP, isIPv4 } from "node:net";
import { splitCmdline } from "../../config/read/cmdline.ts";

/** How an interface gets its addresses: `auto6` from routers only, `dhcp6` also from a DHCPv6 server. */
export type Method = "dhcp" | "auto6" | "dhcp6" | "static" | "off";

export interface Address {
  readonly ip: string;
  readonly prefix: number;
}

/** One `ip=` of the kernel command line. */
export interface IpWord {
  /** Undefined: the parameter names no device. */
  readonly device: string | undefined;
  readonly method: Method;
  /** With `static`. */
  readonly address: Address | undefined;
  readonly gateway: string | undefined;
  /** The host name sent to a DHCP server. */
  readonly hostname: string | undefined;
  readonly mtu: number | undefined;
  /** They have priority over those of DHCP; `nameserver=` is for every interface. */
  readonly nameservers: readonly string[];
}

/** One `vlan=`, or the device `eth0.5` of an `ip=`. */
export interface VlanWord {
  readonly device: string;
  readonly parent: string;
  readonly id: number;
}

/** The network settings of the kernel command line. */
export interface NetworkWords {
  readonly interfaces: readonly IpWord[];
  readonly vlans: readonly VlanWord[];
  /** `BOOTIF`: the MAC address of the card that the firmware booted from. */
  readonly bootCard: string | undefined;
  /** For interfaces without a parameter of their own. */
  readonly nameservers: readonly string[];
  /** Invalid parameters, which are ignored. */
  readonly problems: readonly string[];
}

/** An invalid parameter; the message has the reason. */
class WordError extends Error {}

/**
 * Reads `ip=`, `vlan=`, `nameserver=` and `BOOTIF=`.
 * Sources: https://docs.kernel.org/admin-guide/nfs/nfsroot.html;
 * https://man7.org/linux/man-pages/man7/dracut.cmdline.7.html, whose shorter `ip=DEVICE:METHOD`, IPv6 in brackets and
 * `vlan=` are taken, too; BOOTIF as PXELINUX, GRUB and iPXE write it.
 */
export function networkWords(cmdline: string): NetworkWords {
  const interfaces: IpWord[] = [];
  const vlans: VlanWord[] = [];
  const nameservers: string[] = [];
  const problems: string[] = [];
  let bootCard: string | undefined;
  const readers: Readonly<Record<string, (value: string) => void>> = {
    ip: (value) => interfaces.push(parseIp(value)),
    vlan: (value) => vlans.push(parseVlan(value)),
    nameserver: (value) => nameservers.push(server(value)),
    BOOTIF: (value) => {
      bootCard = parseBootif(value);
    },
  };
  for (const { name, value } of splitCmdline(cmdline)) {
    const read = Object.hasOwn(readers, name) ? readers[name] : undefined;
    if (read === undefined || value === undefined) continue;
    try {
      read(value);
    } catch (error) {
      if (!(error instanceof WordError)) throw error;
      problems.push(`"${name}=${value}": ${error.message}`);
    }
  }
  const named = vlans.map(({ device }) => device);
  const implied = interfaces.flatMap(({ device = "" }) =>
    named.includes(device) ? [] : impliedVlan(device),
  );
  const served = interfaces.map((word) => ({ ...word, nameservers: [...nameservers, ...word.nameservers] }));
  return { interfaces: served, vlans: [...vlans, ...implied], bootCard, nameservers, problems };
}

const METHODS: Readonly<Record<string, Method>> = {
  ...{ dhcp: "dhcp", on: "dhcp", any: "dhcp", both: "dhcp", bootp: "dhcp", rarp: "dhcp" },
  ...{ dhcp4: "dhcp", "single-dhcp": "dhcp", auto6: "auto6", either6: "dhcp6", dhcp6: "dhcp6" },
  ...{ none: "off", off: "off", static: "off" },
};

/** Fields are separated by colons, except within an IPv6 address in brackets. */
function parseIp(value: string): IpWord {
  const fields = (value.match(/(?:\[[^\]]*\]|[^:])+|(?<=:|^)(?=:|$)/g) ?? []).map((field) => {
    return field.startsWith("[") ? field.slice(1, -1) : field;
  });
  const [first = "", ...rest] = fields;
  if (fields.length <= 1 && isIP(first) === 0) return shortWord(undefined, method(first || "dhcp"), []);
  if (/^[\d.]+$/.test(first)) address(first); // no interface has this name
  if (first !== "" && isIP(first) === 0) return shortWord(first, method(rest[0] || "dhcp"), rest.slice(1));
  return longWord(fields);
}

function shortWord(device: string | undefined, how: Method, [mtu]: readonly string[]): IpWord {
  return { ...NOTHING, device: deviceName(device), method: how, mtu: parseMtu(mtu) };
}

const NOTHING: Omit<IpWord, "method"> = {
  ...{ device: undefined, address: undefined, gateway: undefined, hostname: undefined, mtu: undefined },
  nameservers: [],
};

/** `CLIENT:SERVER:GATEWAY:NETMASK:HOSTNAME:DEVICE:AUTOCONF:DNS0:DNS1:NTP0`; the server is for a root on NFS. */
function longWord([ip = "", , gateway, netmask, hostname, device, how, ...more]: readonly string[]): IpWord {
  const selected = method(how || (ip === "" ? "dhcp" : "static"));
  // dracut has an MTU and a MAC address in the place of the kernel's servers
  const mtu = /^\d+$/.test(more[0] ?? "") ? more[0] : undefined;
  const nameservers = mtu === undefined ? more.slice(0, 2).filter((text) => text !== "") : [];
  const common = {
    device: deviceName(device || undefined),
    hostname: hostname || undefined,
    mtu: parseMtu(mtu),
    nameservers: nameservers.map(server),
  };
  if (ip === "" || selected !== "off") {
    return { ...common, method: selected, address: undefined, gateway: undefined };
  }
  const way = gateway ? address(gateway) : undefined;
  return { ...common, method: "static", address: { ip, prefix: prefixOf(ip, netmask) }, gateway: way };
}

function method(name: string): Method {
  const found = Object.hasOwn(METHODS, name) ? METHODS[name] : undefined;
  if (found !== undefined) return found;
  throw new WordError(`found the method "${name}", expected one of ${Object.keys(METHODS).join(", ")}`);
}

/** A name that ip-link(8) accepts: at most 15 characters, without spaces and slashes. */
function deviceName(name: string | undefined): string | undefined {
  if (name === undefined || /^(?!\.{1,2}$)[^\s/:]{1,15}$/.test(name)) return name;
  throw new WordError(`found "${name}", expected the name of an interface`);
}

function address(text: string): string {
  if (isIP(text) !== 0) return text;
  throw new WordError(`found "${text}", expected an IP address`);
}

function server(text: string): string {
  return address(text.replace(/^\[(.*)\]$/, "$1"));
}

function parseMtu(text: string | undefined): number | undefined {
  if (text === undefined || text === "") return undefined;
  const mtu = Number(text);
  if (/^\d+$/.test(text) && mtu >= 68 && mtu <= 65_535) return mtu;
  throw new WordError(`found "${text}", expected an MTU`);
}

/** Without a netmask, the one of the address's class, as in the kernel. */
function prefixOf(ip: string, netmask: string | undefined): number {
  const v4 = isIPv4(ip);
  if (!netmask) return v4 ? classPrefix(Number(ip.split(".")[0])) : 64;
  if (/^\d+$/.test(netmask) && Number(netmask) <= (v4 ? 32 : 128)) return Number(netmask);
  const bits = netmask
    .split(".")
    .map((part) => Number(part).toString(2).padStart(8, "0"))
    .join("");
  if (v4 && isIPv4(netmask) && /^1*0*$/.test(bits)) return bits.replace(/0+$/, "").length;
  throw new WordError(`found "${netmask}", expected a netmask`);
}

function classPrefix(first: number): number {
  if (first < 128) return 8;
  return first < 192 ? 16 : 24;
}

/** `NAME:PARENT`, where NAME ends in the id: `eth0.5`, `eth0.0005`, `vlan5`, `vlan0005`. */
function parseVlan(value: string): VlanWord {
  const [device = "", parent] = value.split(":");
  const id = /(\d{1,4})$/.exec(device)?.[1];
  const below = parent || device.slice(0, device.lastIndexOf("."));
  if (id === undefined || below === "" || Number(id) < 1 || Number(id) > 4094) {
    throw new WordError(
      'expected NAME:DEVICE, the NAME with an id between 1 and 4094 at its end, as "eth0.5"',
    );
  }
  return { device: deviceName(device) ?? "", parent: deviceName(below) ?? "", id: Number(id) };
}

function impliedVlan(device: string): VlanWord[] {
  return /^[^.]+\.\d{1,4}$/.test(device) ? [parseVlan(device)] : [];
}

/** `01-52-54-00-12-34-56`, starting with the hardware type (Ethernet), or a plain MAC address. */
function parseBootif(value: string): string {
  const found = /^(?:01-)?((?:[0-9a-f]{2}[:-]){5}[0-9a-f]{2})$/i.exec(value)?.[1];
  if (found !== undefined) return found.toLowerCase().replaceAll("-", ":");
  throw new WordError('expected the address of a network card, as "01-52-54-00-12-34-56"');
}
