import { X509Certificate } from "node:crypto";
import { existsSync } from "node:fs";
import type { Host } from "../host/host.ts";
import { inRoot, PATH } from "../host/paths.ts";
import { readKubeconfig } from "./kubeconfig.ts";

/**
 * The name of this node in its cluster, which need not be the host name: that of the kubelet's certificate
 * (`CN=system:node:NAME`). Undefined before k3s has one. Throws for a kubeconfig that cannot be read.
 * https://kubernetes.io/docs/reference/access-authn-authz/node/
 */
export function nodeName(host: Pick<Host, "root">): string | undefined {
  if (!existsSync(inRoot(host, PATH.kubeletKubeconfig))) return undefined;
  const { identity } = readKubeconfig(PATH.kubeletKubeconfig, host);
  if (identity === undefined) return undefined;
  return /^CN=system:node:(\S+)$/m.exec(new X509Certificate(identity.cert).subject)?.[1];
}
