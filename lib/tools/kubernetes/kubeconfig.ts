import { parse } from "yaml";
import { readTextBounded } from "../fs/read-bounded.ts";
import type { Host } from "../host/host.ts";
import { inRoot } from "../host/paths.ts";
import type { TlsIdentity } from "../http/http.ts";
import { decodeBase64 } from "../text/base64.ts";
import { CommandError } from "../text/errors.ts";

/** What a kubeconfig says about one API server and the user who asks it; certificates and keys as PEM. */
export interface Kubeconfig {
  /** `https://127.0.0.1:6443` */
  readonly server: string;
  /** The authority that signed the server's certificate. */
  readonly ca: string | undefined;
  readonly identity: TlsIdentity | undefined;
  readonly token: string | undefined;
}

/**
 * Reads a kubeconfig and the files that it names, all below the root of the host. Throws CommandError, or the system's
 * error for a missing file. https://kubernetes.io/docs/reference/config-api/kubeconfig.v1/
 */
export function readKubeconfig(path: string, host: Pick<Host, "root">): Kubeconfig {
  const read = (file: string) => readTextBounded(inRoot(host, file), { maxBytes: 1 << 20 });
  return parseKubeconfig(read(path), read, path);
}

/** {@link readKubeconfig} of a text; `read` returns the text of a file that it names, `name` is for messages. */
export function parseKubeconfig(
  text: string,
  read: (path: string) => string,
  name = "kubeconfig",
): Kubeconfig {
  const file = fieldsOf(parseYaml(text, name));
  const context = fieldsOf(named(file.contexts, textOf(file["current-context"])).context);
  const cluster = fieldsOf(named(file.clusters, textOf(context.cluster)).cluster);
  const user = fieldsOf(named(file.users, textOf(context.user)).user);
  const server = textOf(cluster.server);
  if (server === undefined) throw new CommandError(`"${name}" names no server for its current context`);
  const pem = (fields: Fields, key: string) => {
    const data = textOf(fields[`${key}-data`]);
    if (data !== undefined) return decoded(data, `"${name}": ${key}-data`);
    const path = textOf(fields[key]);
    return path === undefined ? undefined : read(path);
  };
  const cert = pem(user, "client-certificate");
  const key = pem(user, "client-key");
  return {
    server,
    ca: pem(cluster, "certificate-authority"),
    identity: cert === undefined || key === undefined ? undefined : { cert, key },
    token: textOf(user.token) ?? tokenIn(textOf(user.tokenFile), read),
  };
}

type Fields = Readonly<Record<string, unknown>>;

function parseYaml(text: string, name: string): unknown {
  try {
    return parse(text);
  } catch (cause) {
    throw new CommandError(`Cannot read "${name}", expected a kubeconfig`, { cause });
  }
}

function tokenIn(path: string | undefined, read: (path: string) => string): string | undefined {
  return path === undefined ? undefined : read(path).trim();
}

/** The entry with that name of a list; without a current context, the first. */
function named(list: unknown, name: string | undefined): Fields {
  const entries = Array.isArray(list) ? list.map(fieldsOf) : [];
  return entries.find((entry) => name === undefined || entry.name === name) ?? {};
}

function fieldsOf(value: unknown): Fields {
  return typeof value === "object" && value !== null ? (value as Fields) : {};
}

function textOf(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}

function decoded(data: string, what: string): string {
  const content = decodeBase64(data);
  if (content === undefined) throw new CommandError(`${what} is not base64`);
  return content.toString();
}
