import { expect, test } from "bun:test";
import { nodeRole } from "../../../../lib/tools/kubernetes/node-role.ts";
import { testHost } from "../../../support/host.ts";

const UNIT = "/etc/systemd/system/k3s-service.service";
const ADMIN = "/etc/rancher/k3s/k3s.yaml";
const KUBELET = "/var/lib/rancher/k3s/agent/kubelet.kubeconfig";

test.each([
  ["server", { [UNIT]: "[Service]\nExecStart=/sbin/k3s server --disable traefik\n" }],
  ["agent", { [UNIT]: "[Service]\nExecStart=/sbin/k3s agent\n", [ADMIN]: "", [KUBELET]: "" }],
  ["server", { [ADMIN]: "", [KUBELET]: "" }],
  ["agent", { [KUBELET]: "" }],
  [undefined, {}],
] as const)("nodeRole() is %s by the unit, else by what k3s wrote", (role, files) => {
  using host = testHost({ files });
  expect(nodeRole(host)).toBe(role);
});
