/** The kernel features that k3OS and k3s require of a foreign kernel, and how to detect them. */

/**
 * The facts about a kernel. Each is undefined if it cannot be read; texts have the format of the kernel or its package.
 */
export interface KernelSources {
  /** `uname -r` */
  readonly version: string;
  /** It is the running kernel: a feature that it does not list is missing, unless a module provides it. */
  readonly running: boolean;
  /** `/proc/filesystems` */
  readonly filesystems?: string | undefined;
  /** `/proc/devices` */
  readonly devices?: string | undefined;
  /** `/proc/cgroups` */
  readonly cgroups?: string | undefined;
  /** `cgroup.controllers` at the root of the unified hierarchy. */
  readonly controllers?: string | undefined;
  /** Names of the namespaces of a process: `/proc/self/ns`. */
  readonly namespaces?: readonly string[] | undefined;
  /** Names below `/proc/sys/kernel`. */
  readonly sysctls?: readonly string[] | undefined;
  /** Names of modules that are loaded, or built in with parameters: `/sys/module`. */
  readonly loaded?: readonly string[] | undefined;
  /** `/proc/config.gz`, unpacked, `/boot/config-VERSION`, or `lib/modules/VERSION/config`. */
  readonly config?: string | undefined;
  /** `modules.builtin` and `modules.dep` of `lib/modules/VERSION`. */
  readonly builtin?: string | undefined;
  readonly modules?: string | undefined;
}

/** `off`: supported, but disabled on the kernel's command line. */
type Answer = "yes" | "no" | "off" | "unknown";

/** One way to provide a feature. */
interface Way {
  /** Option of the kernel's configuration, without `CONFIG_`. */
  readonly option: string;
  /** The module that provides it if it is not built in. */
  readonly module?: string;
  /** The answer of the running kernel itself; undefined if it has none. */
  readonly listed: (kernel: KernelSources) => Answer | undefined;
}

/** A required feature of a kernel. */
interface Feature extends Way {
  readonly name: string;
}

/**
 * The features without which k3OS does not boot, and the controllers without which the kubelet does not start.
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

/** A feature that k3s requires; one alternative is enough, with all its ways. */
interface K3sFeature {
  readonly name: string;
  readonly anyOf: readonly (readonly Way[])[];
}

/**
 * The requirements of pods and services: flannel, the bridge of its CNI plugin, and the rules of kube-proxy and of the
 * network policies (k3s, contrib/util/check-config.sh; flannel, "Backends": vxlan is k3s's default). Rules reach the
 * kernel through nf_tables, or through the older ip_tables.
 */
const NETWORK_FEATURES: readonly K3sFeature[] = [
  ...["veth", "bridge"].map((name) => oneWay(name, byModule(name.toUpperCase(), name))),
  oneWay("br_netfilter", byModule("BRIDGE_NETFILTER", "br_netfilter")),
  ...["vxlan", "nf_nat"].map((name) => oneWay(name, byModule(name.toUpperCase(), name))),
  {
    name: "nf_tables, or ip_tables with filter and nat",
    anyOf: [
      [byModule("NFT_COMPAT", "nft_compat")],
      [
        byModule("IP_NF_IPTABLES", "ip_tables"),
        byModule("IP_NF_FILTER", "iptable_filter"),
        byModule("IP_NF_NAT", "iptable_nat"),
      ],
    ],
  },
  ...["addrtype", "comment", "conntrack", "mark", "multiport", "statistic"].map(xtMatch),
  {
    name: "xt_MASQUERADE",
    anyOf: [
      [byModule("NETFILTER_XT_TARGET_MASQUERADE", "xt_MASQUERADE")],
      [byModule("IP_NF_TARGET_MASQUERADE", "ipt_MASQUERADE")],
    ],
  },
  oneWay("ipt_REJECT", byModule("IP_NF_TARGET_REJECT", "ipt_REJECT")),
];

/** The requirements of containers (k3s, contrib/util/check-config.sh, "Generally Necessary"). */
const POD_FEATURES: readonly K3sFeature[] = [
  ...["net", "pid", "ipc", "uts"].map((name) => {
    return oneWay(`${name} namespaces`, { option: `${name.toUpperCase()}_NS`, listed: namespace(name) });
  }),
  oneWay("seccomp", { option: "SECCOMP", listed: sysctl("seccomp") }),
  oneWay("keyrings", { option: "KEYS", listed: sysctl("keys") }),
  oneWay("POSIX message queues", { option: "POSIX_MQUEUE", listed: fileSystem("mqueue") }),
  ...["device", "freezer", "cpuacct"].map((name) => {
    return oneWay(`cgroup ${name}`, { option: `CGROUP_${name.toUpperCase()}`, listed: () => undefined });
  }),
];

/** `k3s check-config` asks for these too, but only some configurations of k3s use them: kube-proxy's mode ipvs. */
const OPTIONAL_FEATURES: readonly K3sFeature[] = [xtMatch("ipvs")];

/** The missing, disabled and unknown features of a kernel; names are for the user. */
export interface KernelReport {
  readonly missing: readonly string[];
  readonly off: readonly string[];
  readonly unknown: readonly string[];
  /** Network features of k3s: k3OS boots without them, and so does a k3s that is configured for another network. */
  readonly network: readonly string[];
  /** Missing features of containers: k3s starts without them, and pods do not. */
  readonly pods: readonly string[];
  /** Missing features that only some configurations of k3s need. */
  readonly optional: readonly string[];
}

export function inspectKernel(kernel: KernelSources): KernelReport {
  const answers = FEATURES.map((feature) => ({ name: feature.name, answer: answerOf(feature, kernel) }));
  const names = (expected: Answer) =>
    answers.filter(({ answer }) => answer === expected).map(({ name }) => name);
  const lacking = (features: readonly K3sFeature[]) =>
    features
      .filter(({ anyOf }) => anyOf.every((ways) => ways.some((way) => answerOf(way, kernel) === "no")))
      .map(({ name }) => name);
  return {
    missing: names("no"),
    off: names("off"),
    unknown: names("unknown"),
    network: lacking(NETWORK_FEATURES),
    pods: lacking(POD_FEATURES),
    optional: lacking(OPTIONAL_FEATURES),
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
  if (configured === "m") return "unknown"; // its modules may be in another place
  return setting ?? "unknown";
}

function configuredAs(config: string | undefined, option: string): "y" | "m" | "n" | undefined {
  if (config === undefined) return undefined;
  const value = new RegExp(`^CONFIG_${option}=([ym])$`, "m").exec(config)?.[1];
  return value === "y" || value === "m" ? value : "n";
}

/** Whether a module exists or is built in; undefined without a list of modules. */
function hasModule({ builtin, modules }: KernelSources, name: string): boolean | undefined {
  if (builtin === undefined && modules === undefined) return undefined;
  const file = new RegExp(`(^|/)${name}\\.ko(\\.\\w+)?(:|$)`, "m");
  return file.test(builtin ?? "") || file.test(modules ?? "");
}

/** A way that is visible among the running kernel's modules once it is loaded. */
function byModule(option: string, module: string): Way {
  return { option, module, listed: ({ loaded }) => (loaded?.includes(module) ? "yes" : undefined) };
}

function oneWay(name: string, way: Way): K3sFeature {
  return { name, anyOf: [[way]] };
}

function xtMatch(match: string): K3sFeature {
  return oneWay(`xt_${match}`, byModule(`NETFILTER_XT_MATCH_${match.toUpperCase()}`, `xt_${match}`));
}

function namespace(name: string): Way["listed"] {
  return ({ namespaces }) => namespaces && (namespaces.includes(name) ? "yes" : "no");
}

function sysctl(name: string): Way["listed"] {
  return ({ sysctls }) => sysctls && (sysctls.includes(name) ? "yes" : "no");
}

function fileSystem(type: string): Way["listed"] {
  return ({ filesystems }) => listedIn(filesystems, new RegExp(`\\t${type}$`, "m"));
}

/** `/proc/devices` names the drivers of block devices after their heading. */
function blockDevice(driver: string): Way["listed"] {
  return ({ devices }) =>
    listedIn(devices?.slice(devices.indexOf("Block devices:")), new RegExp(`^ *\\d+ ${driver}$`, "m"));
}

function listedIn(text: string | undefined, entry: RegExp): Answer | undefined {
  if (text === undefined) return undefined;
  return entry.test(text) ? "yes" : "no";
}

/** From cgroups(7); newer kernels omit controllers from `/proc/cgroups` that only exist in the unified hierarchy. */
function controller(name: string): Way["listed"] {
  return ({ cgroups, controllers }) => {
    if (controllers?.split(/\s+/).includes(name)) return "yes";
    const enabled = new RegExp(`^${name}\\t\\d+\\t\\d+\\t([01])$`, "m").exec(cgroups ?? "")?.[1];
    if (enabled !== undefined) return enabled === "1" ? "yes" : "off";
    return cgroups === undefined ? undefined : "no";
  };
}
