import { existsSync } from "node:fs";
import { readTextIfThere } from "../fs/read-bounded.ts";
import type { Host } from "../host/host.ts";
import { inRoot, PATH, UNIT } from "../host/paths.ts";

export type NodeRole = "server" | "agent";

/**
 * The role that this node has in its cluster, by the unit of k3s, else by the kubeconfigs that k3s has written;
 * undefined where no k3s is set up.
 */
export function nodeRole(host: Pick<Host, "root">): NodeRole | undefined {
  const unit = readTextIfThere(inRoot(host, `/etc/systemd/system/${UNIT.k3s}`)) ?? "";
  const role = /^ExecStart=\S+ (server|agent)(?:\s|$)/m.exec(unit)?.[1];
  if (role === "server" || role === "agent") return role;
  // /etc is new at each boot: the administrator's kubeconfig is not a former server's
  if (existsSync(inRoot(host, PATH.adminKubeconfig))) return "server";
  return existsSync(inRoot(host, PATH.kubeletKubeconfig)) ? "agent" : undefined;
}
