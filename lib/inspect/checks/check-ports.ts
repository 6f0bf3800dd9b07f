import { readFileSync } from "node:fs";
import { cmd } from "../../tools/host/cmd.ts";
import { inRoot, UNIT } from "../../tools/host/paths.ts";
import { defineCheck, type Verdict } from "../doctor-check.ts";
import { describeState, type K3sState, readK3s } from "../k3s-state.ts";
import type { InspectHost } from "../node-facts.ts";
import { answers } from "./check-network.ts";

/**
 * The ports of a node: the API of a server, and the kubelet.
 * https://docs.k3s.io/installation/requirements#networking
 */
const PORTS = { server: [6443, 10250], agent: [10250] } as const;

/** A port that a program listens on. */
export interface Listener {
  readonly port: number;
  /** A program that is not k3s; undefined: k3s itself, or unknown. */
  readonly stranger: string | undefined;
}

export interface PortFacts extends Pick<K3sState, "state" | "since"> {
  readonly listening: readonly Listener[];
  readonly silent: readonly number[];
}

export const ports = defineCheck({
  name: "ports",
  only: "k3OS",
  facts: async (host) => {
    const k3s = await readK3s(host);
    if (k3s === undefined) return undefined;
    const expected = PORTS[k3s.role];
    const answered = await Promise.all(expected.map((port) => answers({ host: "127.0.0.1", port }, "tcp")));
    const heard = expected.filter((_, at) => answered[at] === undefined);
    const { stdout } = await host.run(cmd`ss --no-header --tcp --listening --numeric --processes`, {
      check: false,
      timeout: 10_000,
    });
    const owners = parseListeners(stdout);
    return {
      ...k3s,
      listening: heard.map((port) => ({ port, stranger: strangerOf(owners.get(port), host) })),
      silent: expected.filter((_, at) => answered[at] !== undefined),
    };
  },
  judge: judgePorts,
});

interface Owner {
  readonly name: string;
  readonly pid: number;
}

/** Who listens on which port, from the output of `ss`, which names the programs of other users only to root. */
export function parseListeners(text: string): ReadonlyMap<number, Owner> {
  return new Map(
    text.split("\n").flatMap((line): [number, Owner][] => {
      const [, , , local = ""] = line.trim().split(/\s+/);
      const [, name, pid] = /users:\(\("([^"]*)",pid=(\d+)/.exec(line) ?? [];
      const port = Number(local.slice(local.lastIndexOf(":") + 1));
      return name === undefined ? [] : [[port, { name, pid: Number(pid) }]];
    }),
  );
}

/** The program, unless it belongs to the service of k3s. */
function strangerOf(owner: Owner | undefined, host: Pick<InspectHost, "root">): string | undefined {
  if (owner === undefined) return undefined;
  try {
    const groups = readFileSync(inRoot(host, `/proc/${owner.pid}/cgroup`), "utf8");
    if (groups.includes(`/${UNIT.k3s}`)) return undefined;
  } catch {
    return undefined; // it has ended meanwhile
  }
  return `${owner.name} (process ${owner.pid})`;
}

export function judgePorts({ state, since, listening, silent }: PortFacts): Verdict {
  const strangers = listening.filter(({ stranger }) => stranger !== undefined);
  if (strangers.length > 0) {
    const named = strangers.map(({ port, stranger }) => `${stranger} listens on ${port}`);
    return {
      state: "failure",
      message: `${named.join(", ")}, not k3s`,
      hint: "stop that program, or move it",
    };
  }
  const own = listening.map(({ port }) => port);
  if (state === "activating") {
    const heard = own.length === 0 ? "" : `, and listens on ${own.join(", ")}`;
    return { state: "ok", message: `k3s is ${describeState({ state, since })}${heard}` };
  }
  const running = state === "active";
  if (running && silent.length > 0) {
    const hint = "journalctl -u k3s; k3s may still be starting";
    return { state: "warning", message: `k3s runs, but does not listen on ${silent.join(", ")}`, hint };
  }
  if (!running && own.length > 0) {
    const message = `k3s does not run, but another program listens on ${own.join(", ")}`;
    return { state: "failure", message, hint: "find it with ss -ltnp and stop it" };
  }
  return { state: "ok", message: running ? `k3s listens on ${own.join(", ")}` : "free" };
}
