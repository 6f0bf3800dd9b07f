import { describe, expect, test } from "bun:test";
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

const KUBECONFIG = "/var/lib/rancher/k3s/agent/kubelet.kubeconfig";

describe("nodeName() of files and of others", () => {
  test("is that of the kubelet's certificate, in its files", () => {
    const authority = makeAuthority();
    const { cert, key } = authority.client("system:node:n1.example.com");
    const directory = "/var/lib/rancher/k3s/agent";
    using host = testHost({
      files: {
        [KUBECONFIG]: kubeconfigText("https://127.0.0.1:6444", {
          ca: { data: authority.ca },
          cert: { path: `${directory}/client-kubelet.crt` },
          key: { path: `${directory}/client-kubelet.key` },
        }),
        // k3s writes the authority behind it
        [`${directory}/client-kubelet.crt`]: `${cert}\n${authority.ca}`,
        [`${directory}/client-kubelet.key`]: key,
      },
    });
    expect(nodeName(host)).toBe("n1.example.com");
  });

  test("is unknown without a kubelet, and for the certificate of somebody else", () => {
    using none = testHost();
    expect(nodeName(none)).toBeUndefined();
    const authority = makeAuthority();
    const { cert, key } = authority.client("system:admin");
    const pem = { ca: { data: authority.ca }, cert: { data: cert }, key: { data: key } };
    using host = testHost({ files: { [KUBECONFIG]: kubeconfigText("https://127.0.0.1:6444", pem) } });
    expect(nodeName(host)).toBeUndefined();
  });
});
