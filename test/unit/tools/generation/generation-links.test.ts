import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  linkedVersion,
  pruneVersions,
  setLinks,
  versionsOf,
} from "../../../../lib/tools/generation/generation-links.ts";
import { type TestHost, testHost } from "../../../support/host.ts";
import { addVersion, makeSystem } from "../../../support/system-directory.ts";

let host: TestHost;
let system: string;

beforeEach(() => {
  host = testHost();
  system = makeSystem(host.root, { k3os: ["v10", "v9", "v1", "v2"], kernel: ["6.1"] });
});
afterEach(() => host[Symbol.dispose]());

describe("linkedVersion()", () => {
  test("is what the link leads to, as the original wrote it and as others do", () => {
    expect(linkedVersion(system, "k3os", "current")).toBe("v10");
    rmSync(join(system, "k3os/current"));
    symlinkSync("./v9/", join(system, "k3os/current"));
    expect(linkedVersion(system, "k3os", "current")).toBe("v9");
  });

  test.each(["../v9", "/etc", "gone", "current", "."])("is nothing where that is %j", (target) => {
    rmSync(join(system, "k3os/current"));
    symlinkSync(target, join(system, "k3os/current"));
    expect(linkedVersion(system, "k3os", "current")).toBeUndefined();
  });

  test("is nothing without a link", () => {
    expect(linkedVersion(system, "kernel", "previous")).toBeUndefined();
    expect(linkedVersion(system, "k3s", "current")).toBeUndefined();
  });
});

test("setLinks() replaces, makes and removes a link, over what a crash left", () => {
  symlinkSync("nowhere", join(system, "k3os/.current.partial"));
  setLinks(system, [
    { component: "k3os", name: "current", version: "v1" },
    { component: "kernel", name: "previous", version: "6.1" },
    { component: "k3os", name: "previous", version: undefined },
  ]);
  expect(linkedVersion(system, "k3os", "current")).toBe("v1");
  expect(linkedVersion(system, "kernel", "previous")).toBe("6.1");
  expect(readdirSync(join(system, "k3os")).sort()).toEqual(["current", "v1", "v10", "v2", "v9"]);
});

describe("pruneVersions()", () => {
  test("removes what no link leads to, and all left-overs", () => {
    for (const name of [".v3.partial", "v0.old", "v4123"]) mkdirSync(join(system, "k3os", name));
    writeFileSync(join(system, "k3os/current.tmp"), "");
    expect(pruneVersions(system, 0).sort()).toEqual(
      ["k3os/.v3.partial", "k3os/current.tmp", "k3os/v0.old", "k3os/v1", "k3os/v2", "k3os/v4123"].sort(),
    );
    expect(versionsOf(system, "k3os")).toEqual(["v9", "v10"]);
    expect(versionsOf(system, "kernel")).toEqual(["6.1"]);
  });

  test("keeps the newest of the others where that is wished", () => {
    expect(pruneVersions(system, 1)).toEqual(["k3os/v1"]);
    expect(existsSync(join(system, "k3os/v2"))).toBe(true);
  });

  test("counts a release as newer than what came before it", () => {
    const released = makeSystem(join(host.root, "released"), { k3os: ["v0.31.0", "v0.30.1"] });
    for (const name of ["v0.30.0", "v0.30.0-rc1", "v0.30.0-rc10"]) addVersion(released, "k3os", name);
    expect(pruneVersions(released, 1)).toEqual(["k3os/v0.30.0-rc1", "k3os/v0.30.0-rc10"]);
  });
});
