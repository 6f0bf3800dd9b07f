import { describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  deliveredImages,
  imageSet,
  imagesList,
  surplusImages,
  verifyImages,
} from "../../../../lib/tools/images/image-set.ts";
import { formatError } from "../../../../lib/tools/text/errors.ts";
import { type TestHost, testHost } from "../../../support/host.ts";
import { imageArchive } from "../../../support/image-archive.ts";

async function archivesIn(
  host: TestHost,
  archives: Readonly<Record<string, readonly (readonly string[])[]>>,
) {
  const paths: string[] = [];
  for (const [name, images] of Object.entries(archives)) {
    const path = join(host.root, name);
    writeFileSync(path, await imageArchive(images));
    paths.push(path);
  }
  return paths;
}

describe("imageSet()", () => {
  test("has nothing to say about one name for each image", async () => {
    using host = testHost();
    const set = await imageSet(await archivesIn(host, { "a.tar": [["a:1"], ["b:1"]], "c.tar": [["c:1"]] }));
    expect(set.warnings).toEqual([]);
    expect(set.archives.map(({ name }) => name)).toEqual(["a.tar", "c.tar"]);
  });

  test("warns of two names of an image, of none, and of a name in two archives", async () => {
    using host = testHost();
    const { warnings } = await imageSet(
      await archivesIn(host, { "a.tar": [["a:1", "a:2"]], "b.tar": [[], ["a:1"]] }),
    );
    expect(warnings).toEqual([
      'An image in "a.tar" has several names, and k3s may refuse the archive: a:1, a:2. Save each name to an archive of its own',
      'An image in "b.tar" has no name: no pod can refer to it',
      'The image "a:1" is in several archives: a.tar, b.tar. One of them counts',
    ]);
  });

  test("refuses two archives of one file name", async () => {
    await expect(imageSet(["/a/x.tar", "/b/x.tar"])).rejects.toThrow('two archives with the name "x.tar"');
  });
});

describe("the archives of a system", () => {
  const DIRECTORY = "/images";
  const listed = async (host: TestHost, names: readonly string[]) =>
    await imagesList(names.map((name) => ({ path: join(host.root, DIRECTORY, name) })));

  test("are those of its list, and verified by it", async () => {
    using host = testHost({
      files: { "/images/a.tar": "a", "/images/b.tar": "b", "/images/.c.tar.partial": "" },
    });
    writeFileSync(join(host.root, "/images/sha256sum.txt"), await listed(host, ["a.tar"]));
    expect([...deliveredImages(host.root).keys()]).toEqual(["a.tar"]);
    expect(surplusImages(host.root).sort()).toEqual([".c.tar.partial", "b.tar"]);
    await verifyImages(host.root);
    writeFileSync(join(host.root, "/images/a.tar"), "b");
    await expect(verifyImages(host.root).catch((error) => formatError(error))).resolves.toContain(
      "is not the expected file",
    );
  });

  test("are all that are there without a list, and then nothing is surplus", async () => {
    using host = testHost({ files: { "/images/a.tar": "a", "/images/.b.tar.partial": "" } });
    expect([...deliveredImages(host.root)]).toEqual([["a.tar", undefined]]);
    expect(surplusImages(host.root)).toEqual([]);
    await verifyImages(host.root);
  });

  test("may be none", () => {
    using host = testHost();
    expect([deliveredImages(host.root).size, surplusImages(host.root)]).toEqual([0, []]);
  });

  test("are refused if one is missing, or the list names what is no archive", async () => {
    const digest = "0".repeat(64);
    using missing = testHost({ files: { "/images/sha256sum.txt": `${digest}  a.tar\n` } });
    await expect(verifyImages(missing.root)).rejects.toThrow("is missing");
    using odd = testHost({ files: { "/images/sha256sum.txt": `${digest}  passwd\n` } });
    expect(() => deliveredImages(odd.root)).toThrow('lists "passwd"');
    using up = testHost({ files: { "/images/sha256sum.txt": `${digest}  ../a.tar\n` } });
    expect(() => deliveredImages(up.root)).toThrow("base name");
  });
});
