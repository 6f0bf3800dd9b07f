import { expect, test } from "bun:test";
import { nodeName } from "../../../../lib/tools/kubernetes/node-name.ts";
import { kubeconfigText } from "../../../support/api-server.ts";
import { makeAuthority } from "../../../support/authority.ts";
import { testHost } from "../../../support/host.ts";

test("nodeName() is that of the kubelet's certificate, not of the machine", () => {
  const authority = makeAuthority();
  const { cert, key } = authority.client("system:node:rack-4.example");
  const text = kubeconfigText("https://127.0.0.1:6443", {
    ca: { data: authority.ca },
    cert: { data: cert },
    key: { data: key },
  });
  const files = { "/var/lib/rancher/k3s/agent/kubelet.kubeconfig": text, "/etc/hostname": "other\n" };
  using host = testHost({ files });
  expect(nodeName(host)).toBe("rack-4.example");
});

test("nodeName() is undefined before k3s has written a kubeconfig", () => {
  using host = testHost();
  expect(nodeName(host)).toBeUndefined();
});
