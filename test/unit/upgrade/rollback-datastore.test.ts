import { expect, test } from "bun:test";
import { utimesSync } from "node:fs";
import { join } from "node:path";
import type { Trial } from "../../../lib/tools/generation/trial.ts";
import { datastoreNote } from "../../../lib/upgrade/rollback-datastore.ts";
import type { RollbackPlan } from "../../../lib/upgrade/rollback-plan.ts";
import { testHost } from "../../support/host.ts";

const DB = "/var/lib/rancher/k3s/server/db";
const COPIES = "/var/lib/rancher/k3os/datastore";
const [OLD, NEW] = ["v1.35.3+k3s1", "v1.36.3+k3s1"];
const SQLITE = { [`${DB}/state.db`]: "" };
const COPY = { [`${COPIES}/${OLD}/state.db`]: "" };

const SWAP: RollbackPlan = {
  kind: "swap",
  parts: [{ component: "k3s", from: NEW, to: OLD, previous: OLD }],
  damage: undefined,
};

function onTrial(started: boolean): RollbackPlan {
  const parts = [{ component: "k3s", from: OLD, to: NEW, previous: undefined }] as const;
  return { kind: "fail-trial", trial: { parts, started } as unknown as Trial };
}

function note(
  plan: RollbackPlan,
  files: Readonly<Record<string, string>>,
  keepData = false,
): string | undefined {
  using host = testHost({ files });
  if (`${COPIES}/${OLD}/state.db` in files) {
    const time = new Date("2030-02-03T04:05:06Z");
    utimesSync(join(host.root, COPIES, OLD), time, time);
  }
  return datastoreNote(plan, { keepData }, host);
}

const RISK = ", and Kubernetes v1.35 may be unable to read what v1.36 has stored";

test("datastoreNote() says from when the copy is, and where newer data stays", () => {
  const wanted =
    `The datastore returns to the copy of 2030-02-03T04:05:06Z, from before k3s ${NEW} ran; ` +
    `what was stored since then is only in ${COPIES}/replaced-${NEW}`;
  expect(note(SWAP, { ...SQLITE, ...COPY })).toBe(wanted);
  expect(note(onTrial(true), { ...SQLITE, ...COPY })).toBe(wanted);
});

test("datastoreNote() says where the data stays, and what may come of it", () => {
  expect(note(SWAP, { ...SQLITE, ...COPY }, true)).toBe(
    `The datastore stays as it is, because of --keep-data${RISK}`,
  );
  expect(note(SWAP, SQLITE)).toBe(`The datastore stays as it is: there is no copy of before${RISK}`);
  expect(note(onTrial(false), SQLITE)).toBe(`The datastore stays as it is: k3s ${NEW} has not run yet`);
  expect(note(SWAP, { [`${DB}/etcd/name`]: "" })).toStartWith(
    `The datastore is in etcd and stays as it is${RISK}`,
  );
});

test("datastoreNote() has nothing to say of an agent, or where k3s stays", () => {
  expect(note(SWAP, {})).toBeUndefined();
  const parts = [{ component: "k3os", from: "v2", to: "v1", previous: "v1" }] as const;
  expect(note({ kind: "swap", parts, damage: undefined }, SQLITE)).toBeUndefined();
});
