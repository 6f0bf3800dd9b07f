import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { readdirSync, rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import {
  linkedVersion,
  linkedVersions,
  readLinks,
  setLinks,
} from "../../../../lib/tools/generation/generation-links.ts";
import { type TestHost, testHost } from "../../../support/host.ts";
import { makeSystem } from "../../../support/system-directory.ts";

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

test("readLinks() tells where the links of every component lead", () => {
  expect(readLinks(system)).toEqual({
    k3os: { current: "v10", previous: "v9" },
    k3s: { current: undefined, previous: undefined },
    kernel: { current: "6.1", previous: undefined },
  });
  expect(linkedVersions(readLinks(system), "current")).toEqual({ k3os: "v10", kernel: "6.1" });
});
