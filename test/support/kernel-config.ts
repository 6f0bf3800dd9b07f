const MATCHES = ["addrtype", "comment", "conntrack", "mark", "multiport", "statistic"];

/** What the network of k3s needs of a kernel, as names of modules. */
export const NETWORK_MODULES = [
  ...["veth", "bridge", "br_netfilter", "vxlan", "nf_nat", "nft_compat", "ipt_REJECT", "xt_MASQUERADE"],
  ...MATCHES.map((match) => `xt_${match}`),
];

const OPTIONS = [
  ...["VETH", "BRIDGE", "BRIDGE_NETFILTER", "VXLAN", "NF_NAT", "NFT_COMPAT", "IP_NF_TARGET_REJECT"],
  ...MATCHES.map((match) => `NETFILTER_XT_MATCH_${match.toUpperCase()}`),
  "NETFILTER_XT_TARGET_MASQUERADE",
];

/** What containers need of a kernel, and what only some configurations of k3s do. */
const OTHERS = [
  ...["NET", "PID", "IPC", "UTS"].map((name) => `${name}_NS`),
  ...["SECCOMP", "KEYS", "POSIX_MQUEUE", "CGROUP_DEVICE", "CGROUP_FREEZER", "CGROUP_CPUACCT"],
  "NETFILTER_XT_MATCH_IPVS",
];

/** All of it as lines of a kernel's configuration, built in. */
export const NETWORK_CONFIG = [...OPTIONS, ...OTHERS].map((name) => `CONFIG_${name}=y\n`).join("");
