import { describe, expect, test } from "bun:test";
import { ownNodeName } from "../../../../lib/tools/kubernetes/own-node-name.ts";
import { kubeconfigText } from "../../../support/api-server.ts";
import { makeAuthority } from "../../../support/authority.ts";
import { testHost } from "../../../support/host.ts";

const KUBECONFIG = "/var/lib/rancher/k3s/agent/kubelet.kubeconfig";

describe("ownNodeName()", () => {
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
    expect(ownNodeName(host)).toBe("n1.example.com");
  });

  test("is unknown without a kubelet, and for the certificate of somebody else", () => {
    using none = testHost();
    expect(ownNodeName(none)).toBeUndefined();
    const authority = makeAuthority();
    const { cert, key } = authority.client("system:admin");
    const pem = { ca: { data: authority.ca }, cert: { data: cert }, key: { data: key } };
    using host = testHost({ files: { [KUBECONFIG]: kubeconfigText("https://127.0.0.1:6444", pem) } });
    expect(ownNodeName(host)).toBeUndefined();
  });
});
