/** What k3OS and k3s need of a kernel that is not ours, and how one finds out whether it can do that. */

/** What is known of a kernel; each is undefined where it cannot be read, texts are as the kernel or its package have them. */
export interface KernelSources {
  /** `uname -r` */
  readonly version: string;
  /** It is the one that runs: what it does not list, it does not have, unless a module brings it. */
  readonly running: boolean;
  /** `/proc/filesystems` */
  readonly filesystems?: string | undefined;
  /** `/proc/devices` */
  readonly devices?: string | undefined;
  /** `/proc/cgroups` */
  readonly cgroups?: string | undefined;
  /** `cgroup.controllers` at the root of the unified hierarchy. */
  readonly controllers?: string | undefined;
  /** Names of modules that are loaded, or built in with parameters: `/sys/module`. */
  readonly loaded?: readonly string[] | undefined;
  /** `/proc/config.gz`, unpacked, `/boot/config-VERSION`, or `lib/modules/VERSION/config`. */
  readonly config?: string | undefined;
  /** `modules.builtin` and `modules.dep` of `lib/modules/VERSION`. */
  readonly builtin?: string | undefined;
  readonly modules?: string | undefined;
}

/** `off`: it is there, but has been switched off on the kernel's command line. */
type Answer = "yes" | "no" | "off" | "unknown";

/** One way for a kernel to do something. */
interface Way {
  /** Option of the kernel's configuration, without `CONFIG_`. */
  readonly option: string;
  /** The module that brings it where it is not built in. */
  readonly module?: string;
  /** What the running kernel itself says; undefined: nothing about it. */
  readonly listed: (kernel: KernelSources) => Answer | undefined;
}

/** Something that a kernel must be able to do. */
interface Feature extends Way {
  readonly name: string;
}

/**
 * What k3OS does not boot without, and the controllers that the kubelet does not start without.
 * https://github.com/k3s-io/k3s/blob/main/pkg/daemons/agent/agent_linux.go
 */
const FEATURES: readonly Feature[] = [
  { name: "squashfs", option: "SQUASHFS", module: "squashfs", listed: fileSystem("squashfs") },
  { name: "squashfs with zlib", option: "SQUASHFS_ZLIB", listed: () => undefined },
  { name: "loop devices", option: "BLK_DEV_LOOP", module: "loop", listed: blockDevice("loop") },
  { name: "overlay", option: "OVERLAY_FS", module: "overlay", listed: fileSystem("overlay") },
  { name: "cgroup controller cpu", option: "CGROUP_SCHED", listed: controller("cpu") },
  { name: "cgroup controller cpuset", option: "CPUSETS", listed: controller("cpuset") },
  { name: "cgroup controller memory", option: "MEMCG", listed: controller("memory") },
  { name: "cgroup controller pids", option: "CGROUP_PIDS", listed: controller("pids") },
];

/** Something that the network of k3s is made of; one way is enough. */
interface NetworkFeature {
  readonly name: string;
  readonly ways: readonly Way[];
}

/**
 * What pods and services need: flannel, the bridge of its CNI plugin, and the rules of kube-proxy and of the network
 * policies (k3s, contrib/util/check-config.sh; flannel, "Backends": vxlan is k3s's default). Rules reach the kernel through
 * nf_tables, or through the older ip_tables.
 */
const NETWORK_FEATURES: readonly NetworkFeature[] = [
  { name: "veth", ways: [byModule("VETH", "veth")] },
  { name: "bridge", ways: [byModule("BRIDGE", "bridge")] },
  { name: "br_netfilter", ways: [byModule("BRIDGE_NETFILTER", "br_netfilter")] },
  { name: "vxlan", ways: [byModule("VXLAN", "vxlan")] },
  { name: "nf_nat", ways: [byModule("NF_NAT", "nf_nat")] },
  {
    name: "nf_tables or ip_tables",
    ways: [byModule("NFT_COMPAT", "nft_compat"), byModule("IP_NF_IPTABLES", "ip_tables")],
  },
  ...["addrtype", "comment", "conntrack", "mark", "multiport", "statistic"].map((match) => {
    return {
      name: `xt_${match}`,
      ways: [byModule(`NETFILTER_XT_MATCH_${match.toUpperCase()}`, `xt_${match}`)],
    };
  }),
  {
    name: "xt_MASQUERADE",
    ways: [
      byModule("NETFILTER_XT_TARGET_MASQUERADE", "xt_MASQUERADE"),
      byModule("IP_NF_TARGET_MASQUERADE", "ipt_MASQUERADE"),
    ],
  },
  { name: "ipt_REJECT", ways: [byModule("IP_NF_TARGET_REJECT", "ipt_REJECT")] },
];

/** What a kernel lacks, what of it has been switched off, and what nobody can tell; names are for people. */
export interface KernelReport {
  readonly missing: readonly string[];
  readonly off: readonly string[];
  readonly unknown: readonly string[];
  /** Of the network of k3s: k3OS boots without, and so does a k3s that is told to use another network. */
  readonly network: readonly string[];
}

export function inspectKernel(kernel: KernelSources): KernelReport {
  const answers = FEATURES.map((feature) => ({ name: feature.name, answer: answerOf(feature, kernel) }));
  const names = (wanted: Answer) => answers.filter(({ answer }) => answer === wanted).map(({ name }) => name);
  const network = NETWORK_FEATURES.filter(({ ways }) => ways.every((way) => answerOf(way, kernel) === "no"));
  return {
    missing: names("no"),
    off: names("off"),
    unknown: names("unknown"),
    network: network.map(({ name }) => name),
  };
}

function answerOf({ option, module, listed }: Way, kernel: KernelSources): Answer {
  const setting = listed(kernel);
  if (setting === "yes" || setting === "off") return setting;
  const configured = configuredAs(kernel.config, option);
  if (configured === "y") return "yes";
  if (configured === "n") return "no";
  const loadable = module === undefined ? undefined : hasModule(kernel, module);
  if (loadable !== undefined) return loadable ? "yes" : "no";
  if (configured === "m") return "unknown"; // its modules may be elsewhere
  return setting ?? "unknown";
}

function configuredAs(config: string | undefined, option: string): "y" | "m" | "n" | undefined {
  if (config === undefined) return undefined;
  const value = new RegExp(`^CONFIG_${option}=([ym])$`, "m").exec(config)?.[1];
  return value === "y" || value === "m" ? value : "n";
}

/** Whether a module is there or built in; undefined where no list of modules is. */
function hasModule({ builtin, modules }: KernelSources, name: string): boolean | undefined {
  if (builtin === undefined && modules === undefined) return undefined;
  const file = new RegExp(`(^|/)${name}\\.ko(\\.\\w+)?(:|$)`, "m");
  return file.test(builtin ?? "") || file.test(modules ?? "");
}

/** A way that the running kernel shows among its modules, once it is loaded. */
function byModule(option: string, module: string): Way {
  return { option, module, listed: ({ loaded }) => (loaded?.includes(module) ? "yes" : undefined) };
}

function fileSystem(type: string): Way["listed"] {
  return ({ filesystems }) => listedIn(filesystems, new RegExp(`\\t${type}$`, "m"));
}

/** `/proc/devices` names drivers of block devices behind the heading for them. */
function blockDevice(driver: string): Way["listed"] {
  return ({ devices }) =>
    listedIn(devices?.slice(devices.indexOf("Block devices:")), new RegExp(`^ *\\d+ ${driver}$`, "m"));
}

function listedIn(text: string | undefined, entry: RegExp): Answer | undefined {
  if (text === undefined) return undefined;
  return entry.test(text) ? "yes" : "no";
}

/** By cgroups(7); newer kernels leave those out of `/proc/cgroups` that only the unified hierarchy has. */
function controller(name: string): Way["listed"] {
  return ({ cgroups, controllers }) => {
    if (controllers?.split(/\s+/).includes(name)) return "yes";
    const enabled = new RegExp(`^${name}\\t\\d+\\t\\d+\\t([01])$`, "m").exec(cgroups ?? "")?.[1];
    if (enabled !== undefined) return enabled === "1" ? "yes" : "off";
    return cgroups === undefined ? undefined : "no";
  };
}
