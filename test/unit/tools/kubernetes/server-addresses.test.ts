import { expect, test } from "bun:test";
import { serverAddresses } from "../../../../lib/tools/kubernetes/server-addresses.ts";
import { testHost } from "../../../support/host.ts";

const ETC = "/var/lib/rancher/k3s/agent/etc";
const ONE = JSON.stringify({
  ServerURL: "https://a:6443",
  ServerAddresses: ["10.0.0.1:6443", "[fd00::2]:6443"],
});

test("serverAddresses() are those of the load balancer, as URLs", () => {
  using host = testHost({ files: { [`${ETC}/k3s-agent-load-balancer.json`]: ONE } });
  expect(serverAddresses(host)).toEqual(["https://10.0.0.1:6443", "https://[fd00::2]:6443"]);
});

test("serverAddresses() prefers the ports of the API, where it has its own", () => {
  const own = JSON.stringify({ ServerAddresses: ["10.0.0.1:7443"] });
  const files = {
    [`${ETC}/k3s-agent-load-balancer.json`]: ONE,
    [`${ETC}/k3s-api-server-agent-load-balancer.json`]: own,
  };
  using host = testHost({ files });
  expect(serverAddresses(host)).toEqual(["https://10.0.0.1:7443"]);
});

test.each(["", "{", '{"ServerAddresses": 1}', "null"])("serverAddresses() of %j are none", (text) => {
  using host = testHost({ files: { [`${ETC}/k3s-agent-load-balancer.json`]: text } });
  expect(serverAddresses(host)).toEqual([]);
});
