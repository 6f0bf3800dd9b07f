import { readTextIfThere } from "../fs/read-bounded.ts";
import type { Host } from "../host/host.ts";
import { inRoot } from "../host/paths.ts";

/** Where the load balancer in the k3s of an agent keeps its servers; the first only if the API has a port of its own. */
const BALANCERS = [
  "/var/lib/rancher/k3s/agent/etc/k3s-api-server-agent-load-balancer.json",
  "/var/lib/rancher/k3s/agent/etc/k3s-agent-load-balancer.json",
];

/**
 * The URLs of all API servers that an agent knows; empty if k3s has noted none.
 * https://github.com/k3s-io/k3s/blob/v1.36.3%2Bk3s1/pkg/agent/loadbalancer/config.go
 */
export function serverAddresses(host: Pick<Host, "root">): readonly string[] {
  for (const path of BALANCERS) {
    const addresses = addressesIn(readTextIfThere(inRoot(host, path)) ?? "");
    if (addresses.length > 0) return addresses.map((address) => `https://${address}`);
  }
  return [];
}

function addressesIn(text: string): readonly string[] {
  try {
    const { ServerAddresses: found } = JSON.parse(text) as { readonly ServerAddresses?: unknown };
    if (!Array.isArray(found)) return [];
    return found.filter((one): one is string => typeof one === "string" && one !== "");
  } catch {
    return []; // not written yet, or cut off by a power cut: k3s writes it again
  }
}
