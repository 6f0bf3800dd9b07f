import { GENERATED } from "../config/schema/generated-files.ts";
import { CommandError } from "../tools/text/errors.ts";
import { type Applier, checkItems, listItems, plainText, throwErrors } from "./applier.ts";
import { generator } from "./generator.ts";
import { reloadService } from "./reload-service.ts";

/**
 * Prefixes of interfaces that belong to Kubernetes networks, containers and virtual machines: connman would send DHCP
 * requests on them and remove their routes. The list replaces connman's own, and contains its names:
 * https://manpages.debian.org/trixie/connman/connman.conf.5.en.html
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

/**
 * Writes the settings and name servers of connman, and the time servers of connman and timesyncd. Both use these time
 * servers only if they know no others (https://www.freedesktop.org/software/systemd/man/latest/timesyncd.conf.html). In
 * the runtime phase, a changed file takes effect at once.
 */
export function dnsNtp(options: { restart: boolean }): Applier {
  return {
    name: "dns and ntp",
    apply: async (config, host) => {
      const { k3os } = config;
      const files = generator(config, host);
      const nameservers = checkItems(listItems("k3os.dns_nameservers", k3os?.dnsNameservers), serverName);
      const timeservers = checkItems(listItems("k3os.ntp_servers", k3os?.ntpServers), serverName);
      const connman = files.put(GENERATED.connman, connmanSettings(nameservers.good, timeservers.good));
      const timesync =
        timeservers.good.length === 0
          ? files.remove(GENERATED.timesync)
          : files.put(GENERATED.timesync, `[Time]\nFallbackNTP=${timeservers.good.join(" ")}\n`);
      if (options.restart && !host.dryRun) {
        if (connman) await reloadService(GENERATED.connman.service, host);
        if (timesync) await reloadService(GENERATED.timesync.service, host);
      }
      throwErrors([...nameservers.errors, ...timeservers.errors]);
    },
  };
}

function serverName(name: string): string {
  const server = plainText(name.trim());
  if (server !== "" && !/[\s,]/.test(server)) return server;
  throw new CommandError(`found ${JSON.stringify(name)}, expected the name or address of one server`);
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
