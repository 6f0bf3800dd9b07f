import { describe, expect, test } from "bun:test";
import { judgePorts, parseListeners } from "../../../../lib/inspect/checks/check-ports.ts";
import type { Verdict } from "../../../../lib/inspect/doctor-check.ts";

const PORTS = { state: "active", since: undefined, listening: [], silent: [] };
const OWN = { port: 6443, stranger: undefined };

const VERDICTS: readonly [what: string, verdict: Verdict, state: Verdict["state"], message: string][] = [
  ["ports in use", judgePorts({ ...PORTS, listening: [OWN] }), "ok", "k3s listens on 6443"],
  ["free ports", judgePorts({ ...PORTS, state: "inactive", silent: [6443] }), "ok", "free"],
  ["silent ports", judgePorts({ ...PORTS, silent: [10250] }), "warning", "10250"],
  ["ports of nobody known", judgePorts({ ...PORTS, state: "failed", listening: [OWN] }), "failure", "6443"],
  [
    "ports of k3s while it starts",
    judgePorts({ ...PORTS, state: "activating", since: "Mon 10:00", listening: [OWN], silent: [10250] }),
    "ok",
    "k3s is starting since Mon 10:00, and listens on 6443",
  ],
  ...["active", "activating", "failed"].map((state): (typeof VERDICTS)[number] => [
    `a port of another program, k3s ${state}`,
    judgePorts({ ...PORTS, state, listening: [{ port: 6443, stranger: "nc (process 7)" }] }),
    "failure",
    "nc (process 7) listens on 6443, not k3s",
  ]),
];

test.each(VERDICTS)("%s", (_, verdict, state, message) => {
  expect(verdict.state).toBe(state);
  expect(verdict.message).toContain(message);
  if (state !== "ok") expect(verdict.hint).toBeString();
});

describe("parseListeners()", () => {
  test("names who listens on a port, of any address", () => {
    const text = `LISTEN 0      4096             *:6443             *:*    users:(("k3s-server",pid=812,fd=14))
LISTEN 0      4096     127.0.0.1:10248      0.0.0.0:*    users:(("k3s-server",pid=812,fd=201))
LISTEN 0      128           [::]:22            [::]:*
`;
    expect([...parseListeners(text)]).toEqual([
      [6443, { name: "k3s-server", pid: 812 }],
      [10248, { name: "k3s-server", pid: 812 }],
    ]);
  });
});
