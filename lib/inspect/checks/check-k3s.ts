import { X509Certificate } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { inRoot, UNIT } from "../../tools/host/paths.ts";
import { type ClusterState, describeCluster, readCluster } from "../cluster-state.ts";
import { defineCheck, type Verdict } from "../doctor-check.ts";
import { describeState, type K3sState, readK3s } from "../k3s-state.ts";
import type { InspectHost } from "../node-facts.ts";

/** Possible paths of k3s: that of the image, or of a downloaded one. */
const PROGRAMS = ["/sbin/k3s", "/usr/local/bin/k3s"];

export const k3sInstalled = defineCheck({
  name: "k3s",
  only: "installed",
  facts: (host) => ({ program: PROGRAMS.find((path) => existsSync(inRoot(host, path))) }),
  judge: ({ program }): Verdict =>
    program === undefined
      ? {
          state: "failure",
          message: "is not installed",
          hint: "k3os-k3s-download.timer fetches it, once the network is up; at once: k3os config --install",
        }
      : { state: "ok", message: program },
});

export const k3sService = defineCheck({
  name: "k3s service",
  only: "k3OS",
  facts: readK3s,
  judge: judgeService,
});

export function judgeService({ role, state, since, trouble }: K3sState): Verdict {
  const message = `${role}, ${describeState({ state, since })}`;
  if (trouble !== undefined) {
    return { state: "failure", message: `${message}: ${trouble.message}`, hint: trouble.hint };
  }
  if (state === "active") return { state: "ok", message };
  const hint = "journalctl -u k3s; systemctl status k3s";
  return { state: state === "activating" ? "warning" : "failure", message, hint };
}

/**
 * For the API server, longer than the status waits: on a slow machine, all checks at once leave it little of the processor.
 * Less than a check may take.
 */
const PATIENCE = { reach: 7_000, total: 14_000 };

export const clusterNode = defineCheck({
  name: "node",
  only: "k3OS",
  facts: async (host) => {
    const cluster = await readCluster(host, PATIENCE);
    return cluster && { cluster, now: host.clock.now() };
  },
  judge: judgeNode,
});

/** Milliseconds in which a node that has just started becomes ready. */
const STARTING = 5 * 60_000;

/** The node in its cluster. */
export function judgeNode({ cluster, now }: { cluster: ClusterState; now: number }): Verdict {
  const message = describeCluster(cluster).join(", ");
  const hint = `kubectl describe node ${cluster.node}; kubectl get pods --all-namespaces`;
  if (cluster.ready === false) {
    const isNew = now - Date.parse(cluster.since ?? "") < STARTING;
    return { state: isNew ? "warning" : "failure", message, hint };
  }
  // the services and ports of k3s, and the server, have checks of their own
  if (cluster.problem !== undefined || cluster.cordoned || cluster.podsNotUp) {
    return { state: "warning", message, hint };
  }
  return { state: "ok", message };
}

const CERTIFICATES = ["/var/lib/rancher/k3s/server/tls", "/var/lib/rancher/k3s/agent"];
const DAY = 24 * 3600 * 1000;
/**
 * Days before expiry. A certificate with less time left should already have been renewed by k3s at one of its starts.
 */
const LATE = 30;

export interface Expiry {
  readonly name: string;
  /** Milliseconds since the epoch. */
  readonly end: number;
}

export const k3sCertificates = defineCheck({
  name: "certificates",
  only: "k3OS",
  facts: (host) => {
    const all = CERTIFICATES.flatMap((directory) => expiriesIn(directory, host));
    return all.length === 0 ? undefined : { all, now: host.clock.now() };
  },
  judge: judgeCertificates,
});

function expiriesIn(directory: string, host: Pick<InspectHost, "root">): Expiry[] {
  const path = inRoot(host, directory);
  const names = existsSync(path) ? readdirSync(path).filter((name) => name.endsWith(".crt")) : [];
  return names.map((name) => {
    const { validTo } = new X509Certificate(readFileSync(join(path, name)));
    return { name: join(directory, name), end: Date.parse(validTo) };
  });
}

export function judgeCertificates({ all, now }: { all: readonly Expiry[]; now: number }): Verdict {
  const first = all.reduce((a, b) => (b.end < a.end ? b : a));
  const days = Math.floor((first.end - now) / DAY);
  const date = new Date(first.end).toISOString().slice(0, 10);
  const hint = `systemctl restart ${UNIT.k3s} renews them; check the clock`;
  if (days < 0) return { state: "failure", message: `${first.name} was valid until ${date}`, hint };
  const message = `valid until ${date} and longer`;
  return days < LATE ? { state: "warning", message, hint } : { state: "ok", message };
}
