import { describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { inspectArchive, isArchiveName, zstdWindow } from "../../../../lib/tools/images/image-archive.ts";
import { formatError } from "../../../../lib/tools/text/errors.ts";
import { testHost } from "../../../support/host.ts";
import { imageArchive } from "../../../support/image-archive.ts";
import { file, tar } from "../../../support/tarball.ts";

const PLAIN = await imageArchive([["docker.io/library/a:1"], ["b:1", "b:2"]], {
  content: "x".repeat(100_000),
});

const OTHERS = {
  plain: await tar([file("a", "b")]),
  empty: await tar([file("manifest.json", "[]")]),
  broken: await tar([file("manifest.json", "{")]),
};

async function inspected(name: string, content: Uint8Array) {
  using host = testHost();
  const path = join(host.root, name);
  writeFileSync(path, content);
  return await inspectArchive(path);
}

async function refusal(name: string, content: Uint8Array): Promise<string> {
  try {
    await inspected(name, content);
  } catch (error) {
    return formatError(error);
  }
  throw new Error("not refused");
}

describe("inspectArchive()", () => {
  test.each([
    ["a.tar", PLAIN],
    ["a.tar.gz", gzipSync(PLAIN)],
    ["a.tgz", gzipSync(PLAIN)],
    ["a.tar.zst", zstdCompressSync(PLAIN)],
    ["k3s-airgap-images-amd64.tzst", zstdCompressSync(PLAIN)],
  ])("finds the images of %s", async (name, content) => {
    const { images, size } = await inspected(name, content);
    expect(images).toEqual([["docker.io/library/a:1"], ["b:1", "b:2"]]);
    expect(size).toBe(content.length);
  });

  test("finds the images of an OCI layout, each name once", async () => {
    const manifests = ["a:1", "a:2", "b:1"].map((name, at) => {
      return { digest: `sha256:${at >> 1}`, annotations: { "io.containerd.image.name": name } };
    });
    const content = await tar([file("oci-layout", "{}"), file("index.json", JSON.stringify({ manifests }))]);
    expect((await inspected("a.tar", content)).images).toEqual([["a:1", "a:2"], ["b:1"]]);
  });

  test.each([
    ["a.tar", Buffer.from("no archive"), "its content is neither tar, gzip nor zstd"],
    ["a.tar", Buffer.alloc(0), "its content is neither tar, gzip nor zstd"],
    ["a.tar", gzipSync(PLAIN), "its content is gzip, its name says plain tar"],
    ["a.tar.gz", zstdCompressSync(PLAIN), "its content is zstd, its name says gzip"],
    ["a.tar", PLAIN.subarray(0, 5000), "it is damaged or incomplete"],
    ["a.tar.gz", gzipSync(PLAIN).subarray(0, -20), "it is damaged or incomplete"],
    ["a.tar.zst", zstdCompressSync(PLAIN).subarray(0, -20), "it is damaged or incomplete"],
    ["a.tar.zst", zstdCompressSync(Buffer.from("no tar".repeat(1000))), "it is damaged or incomplete"],
    ["a.tar", OTHERS.plain, "it holds no container image"],
    ["a.tar", OTHERS.empty, "it holds no container image"],
    ["a.tar", OTHERS.broken, "its manifest.json is not JSON"],
    ["a.zip", PLAIN, 'Found the archive "a.zip", expected a name'],
    ["a b.tar", PLAIN, 'Found the archive "a b.tar", expected a name'],
  ])("refuses %s (%#)", async (name, content, message) => {
    expect(await refusal(name, content)).toContain(message);
  });

  test("refuses what is not there, and a directory", async () => {
    using host = testHost({ files: { "/a.tar/b": "" } });
    await expect(inspectArchive(join(host.root, "b.tar"))).rejects.toThrow("File not found");
    await expect(inspectArchive(join(host.root, "a.tar"))).rejects.toThrow(
      "is not an archive of container images",
    );
  });

  test("refuses a window that k3s does not take", async () => {
    const frame = Buffer.concat([Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0x00, 17 << 3]), Buffer.alloc(600)]);
    expect(zstdWindow(frame)).toBe(128 * 2 ** 20);
    expect(await refusal("a.tar.zst", frame)).toContain("a window of 128 MiB, k3s takes 32 MiB");
  });
});

test("isArchiveName() knows what k3s imports", () => {
  const names = ["a.tar", "a.tar.zst", ".a.tar", "a.txt", "-a.tar", "a.tar.partial", "sha256sum.txt"];
  expect(names.filter(isArchiveName)).toEqual(["a.tar", "a.tar.zst"]);
});
