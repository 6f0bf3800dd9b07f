import { describe, expect, test } from "bun:test";
import { findEnds, findTrouble, type Trouble, textOfLine } from "../../../lib/inspect/k3s-trouble.ts";

// what k3s 1.36.3 wrote, but for the clock in 1970 and the controller, which are its sources' texts
const AWAY = `time="2026-12-01T13:03:35Z" level=error msg="Failed to validate connection to cluster at https://127.0.0.1:1: failed to get CA certs: Get \\"https://127.0.0.1:6444/cacerts\\": read tcp 127.0.0.1:57534->127.0.0.1:6444: read: connection reset by peer"`;
const OTHER_CLUSTER = `time="2026-12-01T13:05:38Z" level=error msg="Failed to validate connection to cluster at https://127.0.0.1:16443: token CA hash does not match the Cluster CA certificate hash: aaaa != 2452d6d4b5906b49286f323e85dc6f14670600f2cbf830cedd105fbca8a148d5"`;
const REFUSED = `time="2026-12-01T13:05:13Z" level=info msg="Waiting to retrieve agent configuration; server is not ready: failed to retrieve configuration from server: not authorized"`;

const MESSAGES: readonly [what: string, line: string, kind: Trouble["kind"], message: string][] = [
  [
    "a server that is away",
    AWAY,
    "server",
    "the server https://127.0.0.1:1 cannot be reached: no connection",
  ],
  [
    "a server that a further server cannot reach",
    `time="2026-12-01T13:06:22Z" level=fatal msg="Error: preparing server: failed to bootstrap cluster data: failed to check if bootstrap data has been initialized: failed to validate token: failed to get CA certs: Get \\"https://127.0.0.1:1/cacerts\\": dial tcp 127.0.0.1:1: connect: connection refused"`,
    "server",
    "the server cannot be reached: connection refused",
  ],
  [
    "the token of another cluster",
    OTHER_CLUSTER,
    "token",
    "the token belongs to another cluster than the server",
  ],
  ["a token that the server refuses", REFUSED, "token", "the server refuses the token"],
  [
    "a token that the first server refuses a further one",
    `time="2026-12-01T13:06:21Z" level=fatal msg="Error: preparing server: failed to bootstrap cluster data: not authorized"`,
    "token",
    "the server refuses the token",
  ],
  [
    "a server's token that was changed",
    `time="2026-12-01T13:06:28Z" level=fatal msg="Error: preparing server: failed to bootstrap cluster data: bootstrap data already found and encrypted with different token"`,
    "token",
    "the data of this server was made with another token",
  ],
  [
    "no token",
    `time="2026-12-01T13:40:01Z" level=fatal msg="Error: --token is required"`,
    "token",
    "k3s has no valid token to join with",
  ],
  [
    "a name that is taken",
    `time="2026-12-01T17:00:05Z" level=info msg="Waiting to retrieve agent configuration; server is not ready: /var/lib/rancher/k3s/agent/serving-kubelet.crt: Node password rejected, duplicate hostname or contents of '/etc/rancher/node/password' may not match server node-passwd entry, try enabling a unique node name with the --with-node-id flag"`,
    "name",
    "the server knows another node of this name",
  ],
  [
    "a clock in 1970",
    `time="1970-01-01T00:01:40Z" level=fatal msg="Error: server time isn't set properly: 1970-01-01 00:01:40.1 +0000 UTC m=+0.05"`,
    "clock",
    "the clock says 1970-01-01, and k3s does not start before 1980",
  ],
  [
    "a clock before the certificate",
    `time="2026-12-01T16:56:49Z" level=error msg="Failed to validate connection to cluster at https://10.99.0.1:7502: CA cert validation failed: Get \\"https://127.0.0.1:6702/cacerts\\": tls: failed to verify certificate: x509: certificate has expired or is not yet valid: current time 2026-12-01T16:56:49Z is before 2030-01-01T00:00:00Z"`,
    "clock",
    "current time 2026-12-01T16:56:49Z is before 2030-01-01T00:00:00Z",
  ],
  [
    "a clock after the certificate, which nobody has renewed",
    `time="2026-12-01T16:56:49Z" level=error msg="Failed to validate connection to cluster at https://10.99.0.1:7501: CA cert validation failed: Get \\"https://127.0.0.1:6701/cacerts\\": tls: failed to verify certificate: x509: certificate has expired or is not yet valid: current time 2026-12-01T16:56:49Z is after 2021-01-01T00:00:00Z"`,
    "clock",
    "current time 2026-12-01T16:56:49Z is after 2021-01-01T00:00:00Z",
  ],
  [
    "an import for which the disk is too small",
    `time="2026-12-01T16:59:00Z" level=error msg="Failed to process image event: failed to import /var/lib/rancher/k3s/agent/images/big.tar: failed to import images from /var/lib/rancher/k3s/agent/images/big.tar: failed to ingest \\"layer.tar\\": failed to copy: failed to send write: write /var/lib/rancher/k3s/agent/containerd/io.containerd.content.v1.content/ingest/dbcc2bc5b4bfa8c8/data: no space left on device: unknown"`,
    "disk",
    "the disk is full",
  ],
  [
    "a containerd that cannot write",
    `E1201 16:59:00.845999    1224 kubelet.go:3247] "Container runtime sanity check failed" err="rpc error: code = Unknown desc = write /var/lib/rancher/k3s/agent/containerd/io.containerd.grpc.v1.introspection/uuid: no space left on device"`,
    "disk",
    "the disk is full",
  ],
  [
    "cgroups of version 1",
    "Error: failed to validate kubelet configuration, error: kubelet is configured to not run on a host using cgroup v1. cgroup v1 support is unsupported and will be removed in a future release, path: &TypeMeta{Kind:,APIVersion:,}",
    "cgroups",
    "this k3s needs cgroups of version 2",
  ],
  [
    "a controller that is off",
    `time="2026-12-01T13:53:46Z" level=fatal msg="Error: failed to find cpu cgroup (v2)"`,
    "cgroups",
    "the kernel has no cgroup controller cpu",
  ],
];

describe("findTrouble()", () => {
  test.each(MESSAGES)("knows %s", (_, line, kind, message) => {
    const found = findTrouble(["x", line, `time="2026-12-01T13:40:02Z" level=info msg="Waiting"`]);
    expect(found?.kind).toBe(kind);
    expect(found?.message).toContain(message);
    expect(found?.hint).not.toBe("");
  });

  test("names the newest reason", () => {
    expect(findTrouble([AWAY, OTHER_CLUSTER])?.kind).toBe("token");
    expect(findTrouble([OTHER_CLUSTER, AWAY])?.kind).toBe("server");
  });

  test("calls whatever its own load balancer does without a server no connection", () => {
    for (const end of ["read tcp 127.0.0.1:1->127.0.0.1:6444: read: connection reset by peer", "EOF"]) {
      const text = `Failed to validate connection to cluster at https://s:6443: failed to get CA certs: Get x: ${end}`;
      expect(findTrouble([text])?.message).toBe("the server https://s:6443 cannot be reached: no connection");
    }
  });

  test("takes nothing that a server says while it starts for a reason", () => {
    const lines = [
      `time="2026-12-01T13:40:01Z" level=info msg="Waiting for API server to become available: Get \\"https://127.0.0.1:6444/readyz\\": dial tcp 127.0.0.1:6444: connect: connection refused"`,
      `time="2026-12-01T13:40:01Z" level=info msg="Handling backend connection request [n]"`,
    ];
    expect(findTrouble(lines)).toBeUndefined();
  });
});

describe("findEnds()", () => {
  const lines = [
    "first",
    `time="2026-12-01T13:40:01Z" level=fatal msg="Error: flag provided but not defined: -x"`,
  ];

  test("tells how the program ended, how often, and its last message", () => {
    expect(findEnds({ status: 1, how: "status", restarts: 38 }, lines)?.message).toBe(
      "k3s ended with status 1, 38 times: Error: flag provided but not defined: -x",
    );
    expect(findEnds({ status: 9, how: "signal", restarts: 3 }, [])?.message).toBe(
      "k3s ended with signal 9, 3 times",
    );
  });

  test("waits for the third restart", () => {
    expect(findEnds({ status: 1, how: "status", restarts: 2 }, lines)).toBeUndefined();
  });
});

describe("textOfLine()", () => {
  test("unquotes what k3s logs, also escapes that only Go knows", () => {
    expect(textOfLine(`time="x" level=info msg="a \\"b\\" c"`)).toBe('a "b" c');
    expect(textOfLine(`time="x" level=info msg="a \\x00 b" error="c"`)).toBe("a \\x00 b");
    expect(textOfLine(" I1201 plain ")).toBe("I1201 plain");
  });
});
