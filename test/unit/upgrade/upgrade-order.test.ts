import { describe, expect, test } from "bun:test";
import { EXIT, exitStatus } from "../../../lib/tools/text/errors.ts";
import {
  asksServers,
  type OrderFacts,
  type OtherServer,
  orderProblem,
} from "../../../lib/upgrade/upgrade-order.ts";

const SERVER: OrderFacts = {
  role: "server",
  from: "v1.35.3+k3s1",
  to: "v1.36.3+k3s1",
  servers: undefined,
  members: undefined,
};

function problem(facts: Partial<OrderFacts>): string | undefined {
  return orderProblem({ ...SERVER, ...facts })?.message;
}

describe("orderProblem() of a server", () => {
  test.each(["v1.35.3+k3s2", "v1.35.1+k3s1", "v1.36.0-rc1+k3s1", "v1.36.3+k3s1"])(
    "lets it go from 1.35 to %s",
    (to) => {
      expect(problem({ to })).toBeUndefined();
    },
  );

  test("refuses a skipped minor with exit status 4, and names the one to go through", () => {
    const error = orderProblem({ ...SERVER, to: "v1.37.1+k3s1" });
    expect(error?.message).toBe(
      "k3s v1.37.1+k3s1 would skip a minor of Kubernetes: this server has v1.35.3+k3s1, and goes through v1.36 first",
    );
    expect(exitStatus(error)).toBe(EXIT.refused);
    expect(EXIT.refused).toBe(4);
  });

  test("refuses an older minor, and says how to return", () => {
    const error = orderProblem({ ...SERVER, to: "v1.34.9+k3s1" });
    expect(error?.message).toContain("Kubernetes does not go back");
    expect(error?.hint).toContain("k3os rollback");
  });

  test("goes by the minors that the release declares", () => {
    expect(problem({ comesFrom: ["v1.34", "v1.35"], to: "v1.37.1+k3s1" })).toBeUndefined();
    expect(problem({ comesFrom: ["v1.36"] })).toContain("goes through v1.36 first");
  });

  test("lets any k3s come where there is none yet, or none is set up", () => {
    expect(problem({ from: undefined, to: "v1.37.1+k3s1" })).toBeUndefined();
    expect(problem({ role: undefined, to: "v1.99.0+k3s1" })).toBeUndefined();
  });
});

describe("orderProblem() of a server with embedded etcd", () => {
  const healthy: OtherServer = { name: "b", version: "v1.35.3+k3s1", problem: undefined };
  const members = (...value: OtherServer[]) => ({ members: { kind: "answered", value } as const });

  test("lets it go if the others are healthy, or there is no other", () => {
    expect(problem(members(healthy))).toBeUndefined();
    expect(problem(members())).toBeUndefined();
  });

  test("refuses while another is not healthy, even for a patch", () => {
    const found = problem({
      to: "v1.35.4+k3s1",
      ...members(healthy, { ...healthy, name: "c", problem: "not Ready" }),
    });
    expect(found).toBe(
      "Another server with etcd is not healthy: c (not Ready); it comes before k3s v1.35.4+k3s1 here",
    );
  });

  test("refuses to be two minors newer than another", () => {
    const found = problem({ from: "v1.36.3+k3s1", to: "v1.37.1+k3s1", ...members(healthy) });
    expect(found).toContain("server b, which has v1.35.3+k3s1: upgrade that to v1.36 first");
  });

  test("refuses if nobody can say", () => {
    expect(problem({ members: { kind: "unknown", reason: "refused" } })).toContain(
      "etcd are healthy: refused",
    );
  });
});

describe("orderProblem() of an agent", () => {
  const agent = { role: "agent", to: "v1.37.1+k3s1" } as const;
  const servers = (...value: string[]) => ({ servers: { kind: "answered", value } as const });

  test("lets it follow its servers over any number of minors", () => {
    expect(problem({ ...agent, ...servers("v1.37.0+k3s1", "v1.38.0+k3s1") })).toBeUndefined();
  });

  test("refuses to be newer than the oldest of its servers", () => {
    expect(problem({ ...agent, ...servers("v1.37.1+k3s1", "v1.36.3+k3s1") })).toBe(
      "k3s v1.37.1+k3s1 would be newer than a server of this agent (v1.35.3+k3s1), which has v1.36.3+k3s1: upgrade the servers to v1.37 first",
    );
  });

  test("refuses if nobody can say", () => {
    const found = problem({ ...agent, servers: { kind: "unknown", reason: "connection refused" } });
    expect(found).toContain("is newer than the servers of this agent: connection refused");
  });
});

test("asksServers() for a later minor only, or where there is no k3s yet", () => {
  expect(asksServers("v1.35.3+k3s1", "v1.35.9+k3s1")).toBe(false);
  expect(asksServers("v1.35.3+k3s1", "v1.36.3+k3s1")).toBe(true);
  expect(asksServers(undefined, "v1.36.3+k3s1")).toBe(true);
});
