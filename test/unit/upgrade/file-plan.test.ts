import { describe, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { symlinkSync } from "node:fs";
import { join } from "node:path";
import { patchName, releaseParts } from "../../../lib/tools/release/release-part.ts";
import { fetchedName, neededBytes, planFiles } from "../../../lib/upgrade/file-plan.ts";
import { testHost } from "../../support/host.ts";

const sha256 = (text: string) => createHash("sha256").update(text).digest("hex");
const [PROGRAM] = releaseParts("k3os", "amd64");
if (PROGRAM === undefined) throw new Error("no program");

/** The plan for the program "new", with some files on the node and in the release. */
async function planOf(present: Record<string, string>, listed: readonly string[] = []) {
  using host = testHost({ files: { "/k3os/.v9.partial/k3os": "new", ...present } });
  if (Object.keys(present).length > 0) symlinkSync("v1", join(host.root, "k3os/current"));
  const files = new Map([
    ["k3os-amd64", sha256("new")],
    ...listed.map((name) => [name, "0".repeat(64)] as const),
  ]);
  const release = { arch: "amd64", files, sizes: new Map([["k3os-amd64", 3]]) } as const;
  const plans = await planFiles("k3os", [PROGRAM as NonNullable<typeof PROGRAM>], {
    release,
    system: host.root,
  });
  const [plan] = plans;
  if (plan === undefined) throw new Error("no plan");
  return {
    way: JSON.parse(JSON.stringify(plan.way).replaceAll(host.root, "")),
    name: fetchedName(plan),
    plans,
  };
}

describe("planFiles()", () => {
  test.each([
    ["the current version has it", { "/k3os/v1/k3os": "new" }],
    ["another version has it", { "/k3os/v1/k3os": "old", "/k3os/v0/k3os": "new" }],
  ])("fetches nothing if %s", async (_, present) => {
    const path = present["/k3os/v1/k3os"] === "new" ? "/k3os/v1/k3os" : "/k3os/v0/k3os";
    const all = [patchName("k3os-amd64", sha256("old")), "k3os-amd64.zst"];
    expect(await planOf(present, all)).toMatchObject({ way: { kind: "present", path }, name: undefined });
  });

  test("fetches the difference from a file that the node has", async () => {
    const name = patchName("k3os-amd64", sha256("older"));
    expect(await planOf({ "/k3os/v1/k3os": "older" }, [name, "k3os-amd64.zst"])).toMatchObject({
      way: { kind: "patch", name, base: "/k3os/v1/k3os" },
      name,
    });
  });

  test("fetches the compressed file, or else the whole one, without that", async () => {
    const other = patchName("k3os-amd64", sha256("another"));
    expect(await planOf({ "/k3os/v1/k3os": "old" }, [other, "k3os-amd64.zst"])).toMatchObject({
      name: "k3os-amd64.zst",
    });
    expect(await planOf({ "/k3os/v1/k3os": "old" }, [other])).toMatchObject({ way: { kind: "whole" } });
    expect(await planOf({})).toMatchObject({ name: "k3os-amd64" });
  });

  test("refuses a file that is not listed", async () => {
    using host = testHost();
    const release = { arch: "amd64", files: new Map(), sizes: new Map() } as const;
    const call = planFiles("k3os", releaseParts("k3os", "amd64"), { release, system: host.root });
    await expect(call).rejects.toThrow('The release has no "k3os-amd64"');
  });
});

test("neededBytes() counts what is fetched and what is made of it", async () => {
  const { plans } = await planOf({}, ["k3os-amd64.zst"]);
  expect(
    neededBytes(
      plans,
      new Map([
        ["k3os-amd64", 100],
        ["k3os-amd64.zst", 40],
      ]),
    ),
  ).toBe(140);
  expect(neededBytes((await planOf({})).plans, new Map([["k3os-amd64", 100]]))).toBe(100);
});
