import { describe, expect, test } from "bun:test";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { imagesList } from "../../../lib/tools/images/image-set.ts";
import { copyImages, planImages, removeOldImages } from "../../../lib/upgrade/copy-images.ts";
import { type TestHost, testHost } from "../../support/host.ts";

const { signal } = new AbortController();

async function fill(
  host: TestHost,
  system: string,
  archives: Readonly<Record<string, string>>,
): Promise<string> {
  const directory = join(host.root, system, "images");
  mkdirSync(directory, { recursive: true });
  const paths = Object.keys(archives).map((name) => join(directory, name));
  for (const path of paths) writeFileSync(path, archives[path.slice(directory.length + 1)] ?? "");
  writeFileSync(join(directory, "sha256sum.txt"), await imagesList(paths.map((path) => ({ path }))));
  return join(host.root, system);
}

describe("an upgrade", () => {
  test("brings the archives of its source, and takes away what came with the system before", async () => {
    using host = testHost({ files: { "/there/images/not-listed.tar": "x" } });
    const source = await fill(host, "here", { "same.tar": "same", "new.tar": "new", "changed.tar": "later" });
    const destination = await fill(host, "there", {
      "same.tar": "same",
      "old.tar": "old",
      "changed.tar": "first",
    });
    const plan = planImages({ components: ["k3os", "k3s"], source, destination });
    expect(plan?.files.map(({ name, size }) => [name, size]).sort()).toEqual([
      ["changed.tar", 5],
      ["new.tar", 3],
    ]);
    expect(plan?.old).toEqual(["old.tar"]);
    if (plan === undefined) return;
    await copyImages(plan, signal, host);
    const directory = join(destination, "images");
    expect(readdirSync(directory)).toContain("old.tar"); // until the versions are switched
    removeOldImages(destination);
    expect(readdirSync(directory).sort()).toEqual(["changed.tar", "new.tar", "same.tar", "sha256sum.txt"]);
    expect(readFileSync(join(directory, "changed.tar"), "utf8")).toBe("later");
    expect(planImages({ components: ["k3s"], source, destination })).toBeUndefined();
  });

  test("leaves them alone without k3s, and if its source has none", async () => {
    using host = testHost({ files: { "/none/k3os/x": "", "/unlisted/images/a.tar": "a" } });
    const source = await fill(host, "here", { "a.tar": "a" });
    const destination = await fill(host, "there", { "b.tar": "b" });
    expect(planImages({ components: ["k3os", "kernel"], source, destination })).toBeUndefined();
    for (const other of ["none", "unlisted"]) {
      const found = planImages({ components: ["k3s"], source: join(host.root, other), destination });
      expect(found).toBeUndefined();
    }
  });

  test("refuses them where there is no room for them beside the versions", async () => {
    using host = testHost();
    const source = await fill(host, "here", { "a.tar": "a" });
    const destination = await fill(host, "there", {});
    expect(() => planImages({ components: ["k3s"], source, destination }, 2 ** 60)).toThrow(
      "too little free space for the versions and container images",
    );
  });

  test("refuses an archive that is not what its list says, and leaves the old one and the list", async () => {
    using host = testHost();
    const source = await fill(host, "here", { "a.tar": "right" });
    const destination = await fill(host, "there", { "a.tar": "old" });
    const plan = planImages({ components: ["k3s"], source, destination });
    writeFileSync(join(source, "images/a.tar"), "wrong");
    if (plan === undefined) throw new Error("nothing to do");
    await expect(copyImages(plan, signal, host)).rejects.toThrow("is not the expected file");
    expect(readdirSync(join(destination, "images")).sort()).toEqual(["a.tar", "sha256sum.txt"]);
    expect(readFileSync(join(destination, "images/a.tar"), "utf8")).toBe("old");
  });
});
