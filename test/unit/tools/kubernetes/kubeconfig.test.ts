import { describe, expect, test } from "bun:test";
import { parseKubeconfig, readKubeconfig } from "../../../../lib/tools/kubernetes/kubeconfig.ts";
import { kubeconfigText } from "../../../support/api-server.ts";
import { testHost } from "../../../support/host.ts";

const unread = (path: string): string => {
  throw new Error(`not there: ${path}`);
};

describe("parseKubeconfig()", () => {
  test("takes what is inside, of the current context", () => {
    const text = kubeconfigText("https://127.0.0.1:6443", {
      ca: { data: "ca" },
      cert: { data: "cert" },
      key: { data: "key" },
    });
    expect(parseKubeconfig(text, unread)).toEqual({
      server: "https://127.0.0.1:6443",
      ca: "ca",
      identity: { cert: "cert", key: "key" },
      token: undefined,
    });
  });

  test("chooses by the current context, and takes a token", () => {
    const text = `
current-context: second
contexts: [{name: first, context: {cluster: a, user: x}}, {name: second, context: {cluster: b, user: y}}]
clusters: [{name: a, cluster: {server: "https://a"}}, {name: b, cluster: {server: "https://b"}}]
users: [{name: x, user: {token: no}}, {name: y, user: {token: secret}}]
`;
    const found = parseKubeconfig(text, unread);
    expect(found).toEqual({ server: "https://b", ca: undefined, identity: undefined, token: "secret" });
  });

  test("refuses what is no kubeconfig, or names no server", () => {
    expect(() => parseKubeconfig("{", unread, "/x")).toThrow('Cannot read "/x", expected a kubeconfig');
    expect(() => parseKubeconfig("", unread, "/x")).toThrow('"/x" names no server for its current context');
    const text = `
current-context: c
contexts: [{name: c, context: {cluster: a, user: x}}]
clusters: [{name: a, cluster: {server: "https://a", certificate-authority-data: "*"}}]
users: [{name: x, user: {token: secret}}]
`;
    expect(() => parseKubeconfig(text, unread, "/x")).toThrow(
      '"/x": certificate-authority-data is not base64',
    );
  });
});

describe("readKubeconfig()", () => {
  test("reads the files that it names below the root", () => {
    const files = { "/a/ca.crt": "ca", "/a/c.crt": "cert", "/a/c.key": "key" };
    const text = kubeconfigText("https://127.0.0.1:6444", {
      ca: { path: "/a/ca.crt" },
      cert: { path: "/a/c.crt" },
      key: { path: "/a/c.key" },
    });
    using host = testHost({ files: { ...files, "/a/kubelet.kubeconfig": text } });
    expect(readKubeconfig("/a/kubelet.kubeconfig", host)).toEqual({
      server: "https://127.0.0.1:6444",
      ca: "ca",
      identity: { cert: "cert", key: "key" },
      token: undefined,
    });
  });
});
