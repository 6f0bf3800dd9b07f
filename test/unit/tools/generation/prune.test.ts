import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { readGenerations } from "../../../../lib/tools/generation/generation-facts.ts";
import { planPrune, removeVersions } from "../../../../lib/tools/generation/prune.ts";
import { type TestHost, testHost } from "../../../support/host.ts";
import { addVersion, makeSystem } from "../../../support/system-directory.ts";

let host: TestHost;
let system: string;

beforeEach(() => {
  host = testHost();
  system = makeSystem(host.root, { k3os: ["v10", "v9", "v1", "v2"], kernel: ["6.1"] });
});
afterEach(() => host[Symbol.dispose]());

test("what no link leads to goes, and all left-overs", () => {
  for (const name of [".v3.partial", "v0.old", "v4123"]) mkdirSync(join(system, "k3os", name));
  writeFileSync(join(system, "k3os/current.tmp"), "");
  const names = planPrune(readGenerations(system), 0);
  expect([...names].sort()).toEqual(
    ["k3os/.v3.partial", "k3os/current.tmp", "k3os/v0.old", "k3os/v1", "k3os/v2", "k3os/v4123"].sort(),
  );
  removeVersions(system, names);
  expect(readdirSync(join(system, "k3os")).sort()).toEqual(["current", "previous", "v10", "v9"]);
  expect(readdirSync(join(system, "kernel")).sort()).toEqual(["6.1", "current"]);
});

test("the newest of the others stay where that is wished", () => {
  expect(planPrune(readGenerations(system), 1)).toEqual(["k3os/v1"]);
});

test("a release counts as newer than what came before it", () => {
  const released = makeSystem(join(host.root, "released"), { k3os: ["v0.31.0", "v0.30.1"] });
  for (const name of ["v0.30.0", "v0.30.0-rc1", "v0.30.0-rc10"]) addVersion(released, "k3os", name);
  expect(planPrune(readGenerations(released), 1)).toEqual(["k3os/v0.30.0-rc1", "k3os/v0.30.0-rc10"]);
});

test("the tenth revision of a release is newer than the ninth", () => {
  const root = join(host.root, "revisions");
  const revisions = makeSystem(root, { k3os: ["v0.36.3-k3s1r10", "v0.36.3-k3s1r9"], k3s: ["v1.36.3+k3s10"] });
  for (const name of ["v0.36.3-k3s1r2", "v0.36.3", "v0.30.0"]) addVersion(revisions, "k3os", name);
  for (const name of ["v1.36.3+k3s9", "v1.36.10+k3s1"]) addVersion(revisions, "k3s", name);
  expect(planPrune(readGenerations(revisions), 1)).toEqual([
    ...["k3os/v0.30.0", "k3os/v0.36.3", "k3s/v1.36.3+k3s9"],
  ]);
});
