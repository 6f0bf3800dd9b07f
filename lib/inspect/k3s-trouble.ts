/** The known reasons why k3s does not come up, as its own messages in the journal tell them. */

/** A reason, and what to do about it. */
export interface Trouble {
  readonly kind: "token" | "name" | "clock" | "server" | "disk" | "cgroups" | "ends";
  readonly message: string;
  readonly hint: string;
}

interface Rule {
  readonly kind: Trouble["kind"];
  /** Of the text of a message, unquoted. */
  readonly pattern: RegExp;
  readonly describe: (match: RegExpExecArray) => string;
  readonly hint: string;
}

/** What an agent says of a server that it cannot join, and a further server of the first. */
const JOINING =
  /(?:validate connection to cluster at (\S+):|retrieve agent configuration; server is not ready|failed to validate token)/;
const UNREACHABLE =
  /connection refused|connection reset by peer|i\/o timeout|no route to host|no such host|network is unreachable|context deadline exceeded|server misbehaving|EOF$/;

/**
 * In the order of precedence for one message. The texts are those of k3s 1.36 (pkg/clientaccess/token.go,
 * pkg/agent/run.go, pkg/agent/config/config.go, pkg/cli/cmds/log.go) and of its kubelet.
 */
const RULES: readonly Rule[] = [
  {
    kind: "clock",
    pattern: /server time isn't set properly: (\S+)/,
    describe: ([, date]) => `the clock says ${date}, and k3s does not start before 1980`,
    hint: "set k3os.ntp_servers to servers that answer, or the clock: date --set; see timedatectl",
  },
  {
    kind: "clock",
    pattern: /certificate has expired or is not yet valid:? ?(.*)/,
    describe: ([, detail]) =>
      `a certificate is not valid at the time of the clock${detail ? `: ${detail}` : ""}`,
    hint: "compare the clocks of node and server: timedatectl; set k3os.ntp_servers",
  },
  {
    kind: "token",
    pattern: /token CA hash does not match/,
    describe: () => "the token belongs to another cluster than the server",
    hint: "set k3os.token to what is in /var/lib/rancher/k3s/server/node-token on the server",
  },
  {
    kind: "token",
    pattern: /: (?:401 Unauthorized|not authorized|Unauthorized)/,
    describe: () => "the server refuses the token",
    hint: "set k3os.token to what is in /var/lib/rancher/k3s/server/node-token on the server",
  },
  {
    kind: "token",
    pattern: /encrypted with different token/,
    describe: () => "the data of this server was made with another token",
    hint: "set k3os.token to the token of before",
  },
  {
    kind: "token",
    pattern: /--token is required|invalid token/,
    describe: () => "k3s has no valid token to join with",
    hint: "set k3os.token to what is in /var/lib/rancher/k3s/server/node-token on the server",
  },
  {
    kind: "name",
    pattern: /Node password rejected/,
    describe: () => "the server knows another node of this name",
    hint: "set another hostname; or, if the other is gone, on the server: kubectl delete node NAME",
  },
  {
    kind: "disk",
    pattern: /no space left on device|database or disk is full/,
    describe: () => "the disk is full",
    hint: "k3s crictl rmi --prune; journalctl --vacuum-size=100M; then systemctl restart k3s",
  },
  {
    kind: "cgroups",
    pattern: /not run on a host using cgroup v1/,
    describe: () => "this k3s needs cgroups of version 2",
    hint: "take systemd.unified_cgroup_hierarchy=0 out of the kernel command line",
  },
  {
    kind: "cgroups",
    pattern: /failed to find (\w+) cgroup/,
    describe: ([, name]) => `the kernel has no cgroup controller ${name}`,
    hint: "k3os doctor names what the kernel lacks; cgroup_enable=memory on a Raspberry Pi",
  },
  {
    kind: "server",
    pattern: new RegExp(`${JOINING.source}.*?(?:${UNREACHABLE.source})`),
    describe: ([text, url]) =>
      `the server ${url === undefined ? "" : `${url} `}cannot be reached: ${lastPart(text)}`,
    hint: "check that server and the network path to it; k3os.server_url names it",
  },
];

/** The newest known reason in lines of k3s's journal, oldest first; undefined if there is none. */
export function findTrouble(lines: readonly string[]): Trouble | undefined {
  for (const line of lines.toReversed()) {
    const text = textOfLine(line);
    for (const { kind, pattern, describe, hint } of RULES) {
      const match = pattern.exec(text);
      if (match !== null) return { kind, message: describe(match), hint };
    }
  }
  return undefined;
}

/** How the program ended, from the properties of its unit. */
export interface Ends {
  /** The exit status, or the number of the signal. */
  readonly status: number;
  readonly how: "status" | "signal";
  /** How often the service manager started it again. */
  readonly restarts: number;
}

/** Ends before this many restarts may be a server or a network that comes later. */
const OFTEN = 3;

/** That k3s ends each time it is started, with its last message; undefined if it does not. */
export function findEnds({ status, how, restarts }: Ends, lines: readonly string[]): Trouble | undefined {
  if (restarts < OFTEN) return undefined;
  const last = lines.map(textOfLine).findLast((text) => text !== "");
  return {
    kind: "ends",
    message: `k3s ended with ${how} ${status}, ${restarts} times${last === undefined ? "" : `: ${last}`}`,
    hint: "journalctl -u k3s; k3os rollback returns to the version of before",
  };
}

/** The text of a message: k3s logs `time="…" level=error msg="…"`, and the kubelet plain lines. */
export function textOfLine(line: string): string {
  const quoted = /(?:^| )msg=("(?:[^"\\]|\\.)*")/.exec(line)?.[1];
  if (quoted === undefined) return line.trim();
  try {
    return String(JSON.parse(quoted));
  } catch {
    return quoted.slice(1, -1); // an escape of Go that JSON does not know
  }
}

/** `Get "https://s:6443/cacerts": dial tcp 10.0.0.1:6443: connect: connection refused` in short. */
function lastPart(text: string): string {
  const reason = text.slice(text.lastIndexOf(": ") + 2);
  // its own load balancer, which has no server to forward to
  return /^(connection reset by peer|.*EOF)$/.test(reason) ? "no connection" : reason;
}
