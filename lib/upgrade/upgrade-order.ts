import type { NodeRole } from "../tools/kubernetes/node-role.ts";
import { minorOf, minorsBefore } from "../tools/release/k3s-release.ts";
import { OrderError } from "../tools/text/errors.ts";

/** An answer of the cluster, or why there is none. */
export type Asked<T> =
  | { readonly kind: "answered"; readonly value: T }
  | { readonly kind: "unknown"; readonly reason: string };

/** Another server of the cluster. */
export interface OtherServer {
  readonly name: string;
  /** Of its k3s: `v1.36.3+k3s1`. */
  readonly version: string;
  /** Why it is not healthy. */
  readonly problem: string | undefined;
}

/** The facts that the order of upgrades depends on. */
export interface OrderFacts {
  /** Undefined: no k3s is set up, and any may come. */
  readonly role: NodeRole | undefined;
  /** The current version of k3s; undefined: there is none. */
  readonly from: string | undefined;
  readonly to: string;
  /** The minors from which a server may step to it, if its release declares them; else its own and the one before. */
  readonly comesFrom?: readonly string[] | undefined;
  /** The versions of the servers of an agent; undefined if they do not matter. */
  readonly servers: Asked<readonly string[]> | undefined;
  /** The other servers that share an embedded etcd with this one; undefined if there is no such etcd. */
  readonly members: Asked<readonly OtherServer[]> | undefined;
}

/**
 * Why k3s must not go from one version to another now, as an error that names what comes first; undefined if it may.
 * Pure. https://kubernetes.io/releases/version-skew-policy/
 */
export function orderProblem(facts: OrderFacts): OrderError | undefined {
  if (facts.role === undefined || facts.from === facts.to) return undefined;
  return facts.role === "server" ? (stepProblem(facts) ?? memberProblem(facts)) : agentProblem(facts);
}

const SKEW_HINT = "to do it all the same, which Kubernetes does not support: --allow-skew";

function stepProblem({ from, to, comesFrom }: OrderFacts): OrderError | undefined {
  const [before, after] = [numberOf(from), numberOf(to)];
  if (before === undefined || after === undefined) return undefined;
  const allowed = comesFrom ?? minorsBefore(to);
  if (allowed.includes(nameOf(before))) return undefined;
  if (after < before) {
    return new OrderError(
      `Kubernetes does not go back: k3s ${to} is of an older minor than the ${from} of this server`,
      { hint: '"k3os rollback" returns to the previous versions, with the datastore that they had' },
    );
  }
  return new OrderError(
    `k3s ${to} would skip a minor of Kubernetes: this server has ${from}, and goes through ${nameOf(before + 1)} first`,
    { hint: SKEW_HINT },
  );
}

function memberProblem({ to, members }: OrderFacts): OrderError | undefined {
  if (members === undefined) return undefined;
  if (members.kind === "unknown") {
    return new OrderError(`Cannot tell whether the other servers with etcd are healthy: ${members.reason}`, {
      hint: "to upgrade this one all the same: --allow-skew",
    });
  }
  const ill = members.value.filter(({ problem }) => problem !== undefined);
  if (ill.length > 0) {
    const names = ill.map(({ name, problem }) => `${name} (${problem})`).join(", ");
    return new OrderError(
      `Another server with etcd is not healthy: ${names}; it comes before k3s ${to} here`,
      {
        hint: "to upgrade this one all the same: --allow-skew",
      },
    );
  }
  const after = numberOf(to);
  const late = members.value.find(({ version }) => {
    const other = numberOf(version);
    return after !== undefined && other !== undefined && after > other + 1;
  });
  if (late === undefined || after === undefined) return undefined;
  return new OrderError(
    `k3s ${to} would be two minors newer than server ${late.name}, which has ${late.version}: ` +
      `upgrade that to ${nameOf(after - 1)} first`,
    { hint: SKEW_HINT },
  );
}

function agentProblem({ from, to, servers }: OrderFacts): OrderError | undefined {
  if (servers === undefined) return undefined;
  if (servers.kind === "unknown") {
    const subject = `k3s ${to} is newer than the servers of this agent`;
    return new OrderError(`Cannot tell whether ${subject}: ${servers.reason}`, {
      hint: "start k3s, so that they can be asked, or upgrade without an answer: --allow-skew",
    });
  }
  const after = numberOf(to);
  const older = servers.value.find((version) => (numberOf(version) ?? Infinity) < (after ?? 0));
  if (older === undefined || after === undefined) return undefined;
  const current = from === undefined ? "" : ` (${from})`;
  return new OrderError(
    `k3s ${to} would be newer than a server of this agent${current}, which has ${older}: ` +
      `upgrade the servers to ${nameOf(after)} first`,
    { hint: SKEW_HINT },
  );
}

/** Whether the version of an agent's servers matters: only a later minor can be newer than they are. */
export function asksServers(from: string | undefined, to: string): boolean {
  const [before, after] = [numberOf(from), numberOf(to)];
  return after !== undefined && (before === undefined || after > before);
}

/** The number of a minor, all of one major: 36 of `v1.36.3+k3s1`. */
function numberOf(version: string | undefined): number | undefined {
  const minor = minorOf(version ?? "");
  return minor === undefined ? undefined : Number(minor.split(".")[1]);
}

function nameOf(minor: number): string {
  return `v1.${minor}`;
}
