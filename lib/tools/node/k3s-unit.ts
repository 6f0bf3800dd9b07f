import { readTextIfThere } from "../fs/read-bounded.ts";
import type { Host } from "../host/host.ts";
import { inRoot, UNIT } from "../host/paths.ts";

/** The setting of the unit that names the server to join: everybody may read the unit, unlike its environment. */
export const SERVER_SETTING = "X-K3OS-Server";

/** What the unit of k3s says about the node. */
export interface K3sUnit {
  readonly role: "server" | "agent";
  /** The URL of the server to join, of an agent or of a further server. */
  readonly joins: string | undefined;
}

/** The configured role of k3s; undefined if it is not configured. Every user may read it. */
export function readK3sUnit(host: Pick<Host, "root">): K3sUnit | undefined {
  const text = readTextIfThere(inRoot(host, `/etc/systemd/system/${UNIT.k3s}`));
  return text === undefined ? undefined : parseK3sUnit(text);
}

export function parseK3sUnit(text: string): K3sUnit {
  const [, args = ""] = /^ExecStart=\S+ (.*)$/m.exec(text) ?? [];
  const named = /(?:^| )"?(?:--server|-s)(?:=| )([^\s"]+)/.exec(args)?.[1];
  const configured = new RegExp(`^${SERVER_SETTING}=(.+)$`, "m").exec(text)?.[1];
  return { role: /^server( |$)/.test(args) ? "server" : "agent", joins: named ?? configured };
}
