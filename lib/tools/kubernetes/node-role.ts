import { existsSync } from "node:fs";
import type { Host } from "../host/host.ts";
import { inRoot, PATH } from "../host/paths.ts";
import { type K3sUnit, readK3sUnit } from "../node/k3s-unit.ts";

export type NodeRole = K3sUnit["role"];

/**
 * The role that this node has in its cluster, by the unit of k3s, else by the kubeconfigs that k3s has written;
 * undefined where no k3s is set up.
 */
export function nodeRole(host: Pick<Host, "root">): NodeRole | undefined {
  const role = readK3sUnit(host)?.role;
  if (role !== undefined) return role;
  // /etc is new at each boot: the administrator's kubeconfig is not a former server's
  if (existsSync(inRoot(host, PATH.adminKubeconfig))) return "server";
  return existsSync(inRoot(host, PATH.kubeletKubeconfig)) ? "agent" : undefined;
}
