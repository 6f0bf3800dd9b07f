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

/** The same as lines of a kernel's configuration, all of it built in. */
export const NETWORK_CONFIG = OPTIONS.map((name) => `CONFIG_${name}=y\n`).join("");
