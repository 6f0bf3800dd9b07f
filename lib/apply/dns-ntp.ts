import { CommandError } from "../errors.ts";
import { type Applier, type ApplyHost, forEachItem, listItems, plainText } from "./applier.ts";
import { putFile } from "./files.ts";

const FILE = "/etc/connman/main.conf";

/**
 * Prefixes of interfaces that belong to Kubernetes networks, containers and virtual machines: connman would ask DHCP
 * servers on them, and take their routes away. The list replaces connman's own (connman.conf(5)), whose names it holds.
 */
const FOREIGN_INTERFACES = [
  ...[
    "veth",
    "cni",
    "flannel",
    "kube-",
    "nodelocaldns",
    "cali",
    "vxlan",
    "tunl",
    "wireguard",
    "cilium",
    "lxc",
  ],
  ...["docker", "br-", "podman", "vmnet", "vboxnet", "virbr", "vnet", "ifb", "ve-", "vb-", "ham"],
];

/** Gives connman its settings, name servers and time servers; in the runtime phase a changed file reaches it at once. */
export function dnsNtp(options: { restart: boolean }): Applier {
  return {
    name: "dns and ntp",
    apply: async ({ k3os }, host) => {
      const nameservers: string[] = [];
      const timeservers: string[] = [];
      const items = [
        ...listItems("k3os.dns_nameservers", k3os?.dnsNameservers).map(([path, name]) => ({
          path,
          name,
          to: nameservers,
        })),
        ...listItems("k3os.ntp_servers", k3os?.ntpServers).map(([path, name]) => ({
          path,
          name,
          to: timeservers,
        })),
      ];
      const checking = forEachItem(
        items.map((item) => [item.path, item]),
        ({ name, to }) => {
          to.push(serverName(name));
        },
      );
      await checking.finally(async () => {
        const changed = putFile(FILE, connmanSettings(nameservers, timeservers), {}, host);
        if (changed && options.restart && !host.dryRun) await restartConnman(host);
      });
    },
  };
}

function serverName(name: string): string {
  const server = plainText(name.trim());
  if (server !== "" && !/[\s,]/.test(server)) return server;
  throw new CommandError(`found ${JSON.stringify(name)}, wanted the name or address of one server`);
}

/** The text of connman's main.conf. */
export function connmanSettings(nameservers: readonly string[], timeservers: readonly string[]): string {
  const lines = [
    "[General]",
    `NetworkInterfaceBlacklist=${FOREIGN_INTERFACES.join(",")}`,
    "PreferredTechnologies=ethernet,wifi",
    `FallbackNameservers=${nameservers.length > 0 ? nameservers.join(",") : "8.8.8.8"}`,
  ];
  if (timeservers.length > 0) lines.push(`FallbackTimeservers=${timeservers.join(",")}`);
  return `${lines.join("\n")}\n`;
}

/** Without effect where connman does not run. */
async function restartConnman(host: Pick<ApplyHost, "run">): Promise<void> {
  await host.run(["systemctl", "try-restart", "connman.service"]);
}
