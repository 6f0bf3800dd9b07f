import { describe, expect, test } from "bun:test";
import { argumentFlaws } from "../../../../lib/config/schema/k3s-arguments.ts";
import options from "../../../../lib/config/schema/k3s-options.json" with { type: "json" };

function flaws(args: readonly string[], joins = false): string[] {
  return argumentFlaws(args, { joins }).map(({ kept, index, message }) => `${kept} ${index}: ${message}`);
}

test.each([
  [[]],
  [["server"]],
  [["agent"]],
  [["--cluster-init"]],
  [["server", "--cluster-cidr=10.107.0.0/23", "--disable", "traefik", "--disable=servicelb,metrics-server"]],
  [["server", "-disable", "traefik", "-o", "/tmp/config", "--v=2", "-v", "2"]],
  [["server", "--etcd-expose-metrics=true", "--write-kubeconfig-mode", "644"]],
  [["server", "--kubelet-arg", "feature-gates=A=true", "--kube-apiserver-arg=audit-log-path=/a b"]],
  [["server", "--kube-controller-arg", "a=b", "--kube-cloud-controller-arg=a=b"]],
  [["agent", "--node-label", "a=b", "--node-label=c=d,example.com/e=f", "--node-taint=a=b:NoSchedule"]],
  [["agent", "--server", "https://server:6443", "--token", "K10", "-t", "--x"]],
  [["agent", "--node-name", "node-1", "--with-node-id", "--node-ip", "10.0.0.1"]],
  [["server", "--flannel-backend=wireguard-native", "--flannel-backend", "none"]],
])("argumentFlaws(%j) are none", (args) => {
  expect(flaws(args)).toEqual([]);
});

describe("argumentFlaws()", () => {
  test.each(options.removed.map(({ option, since, instead }) => [option, since, instead] as const))(
    "says of --%s that k3s has not taken it since %s, and what to write instead",
    (option, since, instead = "nothing") => {
      const wanted = `which k3s has not taken since ${since}: expected ${instead}`;
      expect(flaws(["server", `--${option}=x`])).toEqual([`error 1: found "--${option}", ${wanted}`]);
    },
  );

  test("takes the word behind one that was removed for its value", () => {
    expect(flaws(["server", "--no-deploy", "traefik", "--no-flannel", "--disable", "servicelb"])).toEqual([
      'error 1: found "--no-deploy", which k3s has not taken since v1.25: expected --disable',
      'error 3: found "--no-flannel", which k3s has not taken since v1.25: expected --flannel-backend=none on the servers',
    ]);
  });

  test.each([
    [
      ["server", "--node-label foo=bar"],
      'error 1: found "--node-label" and its value in one word, expected two items, or "--node-label=VALUE"',
    ],
    [
      ["server", "--disable traefik", "--cluster-init"],
      'error 1: found "--disable" and its value in one word, expected two items, or "--disable=VALUE"',
    ],
    [
      ["server --cluster-init"],
      'error 0: found several words in one item, expected "server", "agent" or an option, each word an item of its own',
    ],
    [
      ["k3s", "server"],
      'error 0: found "k3s", expected "server", "agent" or an option, each word an item of its own',
    ],
    [
      ["server", "--disabel", "traefik"],
      `warning 1: found "--disabel", which k3s ${options.version} does not know: did you mean "--disable"?`,
    ],
    [
      ["server", "--frobnicate"],
      `warning 1: found "--frobnicate", which k3s ${options.version} does not know`,
    ],
    [["server", "--disable"], 'error 1: found "--disable" without a value'],
    [
      ["agent", "--cluster-init"],
      'error 1: found "--cluster-init", which "k3s agent" does not take, only "k3s server"',
    ],
    [
      ["agent", "--disable", "traefik", "--docker"],
      'error 1: found "--disable", which "k3s agent" does not take, only "k3s server"',
    ],
    [
      ["server", "--disable-apiserver-lb"],
      'error 1: found "--disable-apiserver-lb", which "k3s server" does not take, only "k3s agent"',
    ],
    [
      ["server", "--etcd-expose-metrics", "true"],
      "warning 2: found a word that belongs to no option: k3s reads neither it nor what follows",
    ],
    [
      ["server", "--cluster-init", "true", "--docker"],
      "error 2: found a word that belongs to no option: k3s reads neither it nor what follows",
    ],
    [
      ["server", "--flannel-backend=wireguard"],
      'error 1: found "wireguard", which k3s has not taken since v1.26: expected wireguard-native',
    ],
    [
      ["server", "--flannel-backend", "ipsec"],
      'error 2: found "ipsec", which k3s has not taken since v1.27: expected wireguard-native',
    ],
    [
      ["server", "--node-name", "my_node"],
      'error 2: found "my_node", expected a host name that a node can have',
    ],
    [
      ["agent", "--server", "http://server:6443"],
      "error 2: found no https URL, expected one such as https://server.example.com:6443",
    ],
    [["server", "--node-label", "foo"], "error 2: found a label without a value, expected KEY=VALUE"],
    [
      ["server", "--node-label=node-role.kubernetes.io/a=b"],
      'error 1: found a label below "node-role.kubernetes.io/"',
    ],
    [["server", "--node-label", 'a="b"'], 'error 2: found "\\"b\\"", expected a Kubernetes label value'],
    [["server", "--node-taint", "a=b"], 'error 2: found "a=b", expected a taint'],
  ] as const)("of %j", (args, message) => {
    expect(flaws(args)).toEqual([expect.stringContaining(message)]);
  });

  test.each(
    options.removedArguments.flatMap(({ options: all, names, since, instead }) =>
      all.flatMap((option) => names.split(" ").map((name) => [option, name, since, instead] as const)),
    ),
  )("says of %s %s= that it is gone since %s", (option, name, since, instead) => {
    const message = `found "${name}", which k3s has not taken since ${since}: expected ${instead}`;
    expect(flaws(["server", `--${option}`, `${name}=a=b`])).toEqual([`error 2: ${message}`]);
    expect(flaws(["server", `--${option}=${name}`])).toEqual([`error 1: ${message}`]);
  });

  test("goes by whether there is a server to join where the arguments do not say what the node is", () => {
    expect(flaws(["--cluster-init"], false)).toEqual([]);
    expect(flaws(["--cluster-init"], true)).toHaveLength(1);
  });

  test("shows no value of a secret", () => {
    const args = [
      "server",
      "--token hunter2",
      "--tokn",
      "hunter2",
      "--cluster-secret",
      "hunter2",
      "--agent-token=hunter2",
    ];
    expect(flaws(args)).toHaveLength(3);
    expect(flaws(args).join("\n")).not.toContain("hunter2");
  });
});
