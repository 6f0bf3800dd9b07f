import { describe, expect, test } from "bun:test";
import { chmodSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { openStage, removeLeftovers } from "../../../../lib/tools/generation/stage.ts";
import { testHost } from "../../../support/host.ts";

const PART = { component: "k3os", version: "v2" } as const;

describe("openStage()", () => {
  test("puts a version beside the others under its name", async () => {
    using host = testHost({ files: { "/k3os/v1/k3os": "old" } });
    const stage = await openStage(host.root, PART);
    writeFileSync(join(stage.path, "k3os"), "new");
    expect(readdirSync(join(host.root, "k3os")).sort()).toEqual([".v2.partial", "v1"]);
    await stage.publish();
    expect(readdirSync(join(host.root, "k3os")).sort()).toEqual(["v1", "v2"]);
    expect(statSync(join(host.root, "k3os/v2")).mode & 0o7777).toBe(0o755);
  });

  test("keeps the version that is there if it has the same content", async () => {
    using host = testHost({ files: { "/k3os/v2/k3os": "same", "/k3os/v2/lib/x": "y" } });
    const stage = await openStage(host.root, PART);
    const { ino } = statSync(join(host.root, "k3os/v2"));
    using copy = testHost({ files: { "/k3os": "same", "/lib/x": "y" } });
    const { cpSync } = await import("node:fs");
    cpSync(copy.root, stage.path, { recursive: true });
    await stage.publish();
    expect(statSync(join(host.root, "k3os/v2")).ino).toBe(ino);
    expect(readdirSync(join(host.root, "k3os"))).toEqual(["v2"]);
  });

  test.each([
    ["another content", (path: string) => writeFileSync(join(path, "k3os"), "other")],
    ["another size", (path: string) => writeFileSync(join(path, "k3os"), "longer content")],
    ["another mode", (path: string) => chmodSync(join(path, "k3os"), 0o755)],
    ["one file more", (path: string) => writeFileSync(join(path, "more"), "")],
    ["one link more", (path: string) => symlinkSync("k3os", join(path, "link"))],
  ])("lets a version with %s change places with the new one", async (_, change) => {
    using host = testHost({ files: { "/k3os/v2/k3os": "wrong" } });
    change(join(host.root, "k3os/v2"));
    const { ino } = statSync(join(host.root, "k3os/v2"));
    const stage = await openStage(host.root, PART);
    writeFileSync(join(stage.path, "k3os"), "right");
    await stage.publish();
    expect(statSync(join(host.root, "k3os/v2")).ino).not.toBe(ino);
    expect(readFileSync(join(host.root, "k3os/v2/k3os"), "utf8")).toBe("right");
    expect(readdirSync(join(host.root, "k3os/v2"))).toEqual(["k3os"]);
    expect(readdirSync(join(host.root, "k3os"))).toEqual(["v2"]);
  });

  test("leaves nothing of what is discarded, nor a directory that it made for it", async () => {
    using host = testHost();
    const stage = await openStage(host.root, PART);
    writeFileSync(join(stage.path, "k3os"), "new");
    await stage.discard();
    expect(readdirSync(host.root)).toEqual([]);
  });

  test("names what cannot be written to", async () => {
    using host = testHost({ files: { "/k3os": "a file" } });
    await expect(openStage(host.root, PART)).rejects.toThrow(`Cannot write to "${host.root}/k3os"`);
  });
});

test("removeLeftovers() removes what was not finished, and nothing else", async () => {
  using host = testHost({
    files: {
      "/k3os/v1/k3os": "",
      "/k3os/.v2.partial/k3os": "",
      "/k3os/.current.partial": "",
      "/kernel/.6.1.partial/initrd": "",
      "/k3s/.hidden": "",
      "/other/.x.partial": "",
    },
  });
  await removeLeftovers(host.root);
  expect(readdirSync(host.root, { recursive: true }).sort()).toEqual([
    ...["k3os", "k3os/v1", "k3os/v1/k3os", "k3s", "k3s/.hidden", "kernel", "other", "other/.x.partial"],
  ]);
});
