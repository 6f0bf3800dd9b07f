import { GENERATED } from "../config/schema/generated-files.ts";
import type { K3osConfig } from "../config/schema/schema.ts";
import { UNIT } from "../tools/host/paths.ts";
import { SERVER_SETTING } from "../tools/node/k3s-unit.ts";
import { plainText } from "./applier.ts";

/** The input of the service file, beside the configuration. */
export interface K3sFacts {
  /** Path of the k3s executable. */
  readonly binary: string;
  /** Changes with the executable, so that a replacement is noticed. */
  readonly fingerprint: string;
  /** The boot mode, for the node label `k3os.io/mode`. */
  readonly mode: string | undefined;
  /** The version of k3OS, for the node label `k3os.io/version`. */
  readonly version: string;
}

/**
 * The arguments of k3s: `k3s_args` unchanged, or `agent` if there is a server to join, otherwise `server`; then node
 * labels, sorted, and taints. k3s uses labels and taints only when the node registers for the first time; later,
 * `lib/operator` lets them follow the configuration.
 */
export function k3sArguments(
  config: K3osConfig,
  facts: Pick<K3sFacts, "mode" | "version">,
): readonly string[] {
  const configured = config.k3sArgs ?? [];
  const role = config.serverUrl ? "agent" : "server";
  const args =
    configured[0] === undefined || configured[0].startsWith("-") ? [role, ...configured] : [...configured];
  const labels = { ...config.labels, "k3os.io/version": facts.version };
  const entries = Object.entries(
    facts.mode === undefined ? labels : { ...labels, "k3os.io/mode": facts.mode },
  );
  for (const label of entries.map(([key, value]) => `${key}=${value}`).sort())
    args.push("--node-label", label);
  const taints = config.taints ?? [];
  // one argument for all: of several with the same name, k3s passes only the last one to the kubelet
  if (taints.length > 0) args.push("--kubelet-arg", `register-with-taints=${taints.join(",")}`);
  return args;
}

/** Variables for secrets, which must not appear in a list of processes; the names are those of k3s. */
export function k3sEnvironment(config: K3osConfig): string {
  const variables = { K3S_URL: config.serverUrl, K3S_TOKEN: config.token };
  const lines = Object.entries(variables).map(([name, value]) => (value ? `${name}=${quote(value)}\n` : ""));
  return lines.join("");
}

/**
 * Further fields of the service's messages in the journal: journalctl finds a unit by them, but does not know the other
 * names of one (systemd.journal-fields(7)).
 */
const LOG_FIELDS = ["k3s.service", "k3s-agent.service"]
  .map((name) => `OBJECT_SYSTEMD_UNIT=${name}`)
  .join(" ");

/**
 * The unit of the service, with the settings of the unit that k3s's own script writes
 * (https://github.com/k3s-io/k3s/blob/v1.23.3%2Bk3s1/install.sh).
 */
export function k3sUnit(
  args: readonly string[],
  facts: Pick<K3sFacts, "binary" | "fingerprint">,
  serverUrl?: string,
): string {
  const line = [facts.binary, ...args].map(quoteArgument).join(" ");
  return `[Unit]
Description=Lightweight Kubernetes
Documentation=https://k3s.io
Wants=network-online.target ${UNIT.operator}
After=network-online.target
Conflicts=${K3S_RETRY_TIMER}
X-K3OS-Binary=${facts.fingerprint}
${serverSetting(serverUrl)}
[Service]
Type=${args[0] === "server" ? "notify" : "exec"}
EnvironmentFile=-/etc/environment
EnvironmentFile=${GENERATED.k3sEnvironment.path}
KillMode=process
Delegate=yes
LimitNOFILE=1048576
LimitNPROC=infinity
LimitCORE=infinity
TasksMax=infinity
TimeoutStartSec=0
Restart=always
RestartSec=5s
LogExtraFields=${LOG_FIELDS}
ExecStartPre=-/sbin/modprobe -a br_netfilter overlay
ExecStart=${line}

[Install]
WantedBy=multi-user.target
`;
}

/** The server to join, without credentials and path: a hint for users who may not read the environment. */
function serverSetting(url: string | undefined): string {
  return url !== undefined && URL.canParse(url) ? `${SERVER_SETTING}=${new URL(url).origin}\n` : "";
}

/** Retries the download of a missing k3s until it starts. */
export const K3S_RETRY_TIMER = "k3os-k3s-download.timer";

/** A value of systemd's EnvironmentFile: https://www.freedesktop.org/software/systemd/man/latest/systemd.exec.html */
function quote(value: string): string {
  return `"${plainText(value).replaceAll(/["\\$`]/g, "\\$&")}"`;
}

/**
 * An argument of ExecStart: `%` begins a specifier there and `$` a variable.
 * https://www.freedesktop.org/software/systemd/man/latest/systemd.service.html
 */
function quoteArgument(argument: string): string {
  const escaped = plainText(argument).replaceAll("%", "%%").replaceAll("$", "$$$$");
  if (/^[\w@%+=:,./$-]+$/.test(escaped)) return escaped;
  return `"${escaped.replaceAll(/["\\]/g, "\\$&")}"`;
}
