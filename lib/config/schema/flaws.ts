import { isIP } from "node:net";
import { parseModule } from "../../tools/node/kernel-module.ts";
import { keySource } from "../../tools/node/ssh-key.ts";
import { sysctlPath } from "../../tools/node/sysctl-path.ts";
import { messageOf } from "../../tools/text/errors.ts";
import { contentProblem } from "./content.ts";
import { AUTO, DATA_SOURCES, FILE_SOURCE, unknownSource } from "./data-source-names.ts";
import type { EntryFlaw, Flaw } from "./field.ts";
import { quoted } from "./scalars.ts";

/** An entry of `ssh_authorized_keys`; if it has several lines, those with keys count. */
export function sshKeyFlaw(entry: string): Flaw | undefined {
  try {
    const source = keySource(entry);
    const [flaw] = source.kind === "literal" ? source.flaws : [];
    return flaw === undefined ? undefined : { message: flaw, kept: "error" };
  } catch (error) {
    return { message: messageOf(error) };
  }
}

/** The path in an entry of `write_files`. */
export function pathFlaw(path: string): Flaw | undefined {
  return path.endsWith("/")
    ? { message: `found ${quoted(path, {})}, expected the path of a file` }
    : undefined;
}

export function moduleFlaw(entry: string): Flaw | undefined {
  return thrownBy(() => parseModule(entry));
}

export function sysctlFlaw(key: string): Flaw | undefined {
  return thrownBy(() => sysctlPath(key));
}

function thrownBy(action: () => unknown): Flaw | undefined {
  try {
    action();
    return undefined;
  } catch (error) {
    return { message: messageOf(error) };
  }
}

/**
 * connman ignores names: FallbackNameservers in
 * https://manpages.debian.org/trixie/connman/connman.conf.5.en.html
 */
export function nameServerFlaw(server: string): Flaw | undefined {
  if (isIP(server.trim()) !== 0) return undefined;
  return { message: `found ${quoted(server, {})}, expected the address of a name server` };
}

export function timeServerFlaw(server: string): Flaw | undefined {
  if (!/[\s,]/.test(server.trim())) return undefined;
  return { message: `found ${quoted(server, {})}, expected the name or address of one server` };
}

/** An entry of `write_files` whose `content` does not match its `encoding`. */
export function fileFlaw(entry: Readonly<Record<string, unknown>>): EntryFlaw | undefined {
  const message = contentProblem(String(entry.content ?? ""), String(entry.encoding ?? ""));
  return message === undefined ? undefined : { name: "content", message };
}

/** The service that uses the list splits it at spaces. */
export function dataSourceFlaw(entry: string): Flaw | undefined {
  const name = entry.trim();
  if ([...DATA_SOURCES, AUTO].includes(name.toLowerCase())) return undefined;
  if (!name.startsWith(FILE_SOURCE)) return { message: unknownSource(name, DATA_SOURCES) };
  if (/^file=[\w./:@+-]+$/.test(name)) return undefined;
  return {
    message: `found ${quoted(name, {})}, expected ${FILE_SOURCE}PATH without spaces`,
  };
}

/** k3s joins by https only (pkg/clientaccess/token.go). Without the URL, the node would be a server of its own. */
export function serverUrlFlaw(text: string): Flaw | undefined {
  const url = URL.canParse(text.trim()) ? new URL(text.trim()) : undefined;
  if (url?.protocol === "https:" && url.hostname !== "" && !/\s/.test(text.trim())) return undefined;
  const message = "found no https URL, expected one such as https://server.example.com:6443";
  return { message, kept: "error" };
}

/**
 * Any secret is valid, but one that begins with K10 is parsed as a node token: the SHA-256 of the server's certificates
 * in 64 digits, and a secret (k3s, pkg/clientaccess/token.go, parseToken).
 */
export function tokenFlaw(text: string): Flaw | undefined {
  if (!text.startsWith("K10") || /^K10[0-9a-f]{64}::[^:]+(?::.+)?$/i.test(text.trim())) return undefined;
  const expected = "K10, 64 hexadecimal digits, :: and a secret, as in the server's node-token file";
  return { message: `found a truncated or damaged node token, expected ${expected}`, kept: "warning" };
}

/** IEEE 802.11: an SSID has up to 32 octets. */
export function networkNameFlaw(name: string): Flaw | undefined {
  const bytes = Buffer.byteLength(name);
  return bytes <= 32 ? undefined : { message: `found ${bytes} bytes, expected 1 to 32` };
}

/** IEEE 802.11i, H.4: 8 to 63 printable ASCII characters, or the key derived from them, 64 digits. */
export function passphraseFlaw(passphrase: string): Flaw | undefined {
  if (/^[ -~]{8,63}$/.test(passphrase) || /^[0-9a-f]{64}$/i.test(passphrase)) return undefined;
  const found = /^[ -~]*$/.test(passphrase) ? `${passphrase.length} characters` : "characters beyond ASCII";
  return { message: `found ${found}, expected 8 to 63 ASCII characters, or 64 hexadecimal digits` };
}

/**
 * Labels below kubernetes.io and k8s.io that a kubelet may set:
 * https://github.com/kubernetes/kubernetes/blob/master/staging/src/k8s.io/kubelet/pkg/apis/well_known_labels.go
 */
export const NODE_LABELS = [
  ...["kubernetes.io/hostname", "kubernetes.io/os", "kubernetes.io/arch"],
  ...["topology.kubernetes.io/zone", "topology.kubernetes.io/region"],
  ...["failure-domain.beta.kubernetes.io/zone", "failure-domain.beta.kubernetes.io/region"],
  ...["beta.kubernetes.io/instance-type", "beta.kubernetes.io/os", "beta.kubernetes.io/arch"],
];

/**
 * The kubelet does not start with a label in Kubernetes' own prefixes, except for some that are meant for nodes.
 * https://kubernetes.io/docs/reference/access-authn-authz/admission-controllers/#noderestriction
 */
export function labelNameFlaw(name: string): Flaw | undefined {
  const prefix = name.slice(0, Math.max(0, name.indexOf("/")));
  if (!/(?:^|\.)(?:kubernetes|k8s)\.io$/.test(prefix) || NODE_LABELS.includes(name)) return undefined;
  if (/(?:^|\.)(?:kubelet|node)\.kubernetes\.io$/.test(prefix)) return undefined;
  const advice = 'expected another prefix, or "kubectl label node" once it has joined';
  return { message: `found a label below "${prefix}/", which no node may give itself: ${advice}` };
}

/** A name in the form of a time zone that does not exist. */
export function timeZoneFlaw(name: string): Flaw | undefined {
  try {
    new Intl.DateTimeFormat("en", { timeZone: name });
    return undefined;
  } catch {
    return { message: `found ${quoted(name, {})}, expected the name of a time zone such as "Europe/Berlin"` }; // RangeError
  }
}

/**
 * The address of a mirror: a URL, or a host with a port (k3s, pkg/agent/containerd/config.go,
 * normalizeEndpointAddress). k3s ignores one that it cannot parse.
 */
export function endpointFlaw(text: string): Flaw | undefined {
  const address = text.includes("://") ? text : `https://${text}`;
  const url = URL.canParse(address) ? new URL(address) : undefined;
  const isUsable = url !== undefined && /^https?:$/.test(url.protocol) && !/\s/.test(text);
  if (!isUsable || url.hostname === "") {
    return {
      message: "found no address of a registry, expected one such as https://registry.example.com:5000",
    };
  }
  if (url.username === "" && url.password === "") return undefined;
  return { message: "found a user or password in the address, expected them in configs.HOST.auth" };
}

/** A pattern of rewrite rules, for Go's regexp: https://pkg.go.dev/regexp/syntax */
export function patternFlaw(text: string): Flaw | undefined {
  try {
    new RegExp(text.replace(/^\(\?[imsU]+\)/, ""));
    return undefined;
  } catch {
    return { message: `found ${quoted(text, {})}, expected a regular expression` }; // SyntaxError
  }
}

/** The configuration of one registry: k3s passes incomplete parts on, and containerd does not start with them. */
export function registryFlaw(entry: Readonly<Record<string, unknown>>): EntryFlaw | undefined {
  const [auth, tls] = [entry.auth, entry.tls].map(
    (part) => (part ?? {}) as Readonly<Record<string, unknown>>,
  );
  const isSet = (value: unknown) => value !== undefined && value !== "";
  if (isSet(auth?.username) !== isSet(auth?.password)) {
    return { name: "auth", message: "found only one of username and password, expected both" };
  }
  if (isSet(tls?.certFile) !== isSet(tls?.keyFile)) {
    return { name: "tls", message: "found only one of cert_file and key_file, expected both" };
  }
  return undefined;
}

/** A path in `tls`, which containerd reads. */
export function absolutePathFlaw(path: string): Flaw | undefined {
  if (path.startsWith("/") && !path.endsWith("/")) return undefined;
  return { message: `found ${quoted(path, {})}, expected the absolute path of a file` };
}
