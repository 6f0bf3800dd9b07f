import { X509Certificate } from "node:crypto";
import { existsSync } from "node:fs";
import type { Host } from "../host/host.ts";
import { inRoot, PATH } from "../host/paths.ts";
import { readKubeconfig } from "./kubeconfig.ts";

/**
 * The name of this node in its cluster, from the certificate of its kubelet, whatever k3s made it from; undefined if
 * there is none. Throws CommandError for one that cannot be read.
 * https://kubernetes.io/docs/reference/access-authn-authz/node/#overview
 */
export function ownNodeName(host: Pick<Host, "root">): string | undefined {
  if (!existsSync(inRoot(host, PATH.kubeletKubeconfig))) return undefined;
  const { identity } = readKubeconfig(PATH.kubeletKubeconfig, host);
  if (identity === undefined) return undefined;
  return /^CN=system:node:(.+)$/m.exec(new X509Certificate(identity.cert).subject)?.[1];
}
