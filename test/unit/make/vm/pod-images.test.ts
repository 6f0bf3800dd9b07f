import { describe, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { unpackTar } from "modern-tar";
import { pauseImage, podArchive } from "../../../../lib/make/vm/pod-images.ts";

const sha256 = (content: Uint8Array) => createHash("sha256").update(content).digest("hex");

async function filesOf(archive: Uint8Array): Promise<Record<string, Uint8Array>> {
  const entries = await unpackTar(archive);
  return Object.fromEntries(entries.map(({ header, data }) => [header.name, data ?? new Uint8Array()]));
}

describe("podArchive()", () => {
  test("is an image of one layer and one tag, whose digests are those of its content", async () => {
    const program = Buffer.from("a program");
    const files = await filesOf(podArchive("amd64", { name: "docker.io/a/b:1", program }));
    const read = (name: string) => JSON.parse(Buffer.from(files[name] ?? "").toString());
    const [manifest, ...others] = read("manifest.json");
    expect(others).toEqual([]);
    expect(manifest.RepoTags).toEqual(["docker.io/a/b:1"]);
    const config = files[manifest.Config] ?? new Uint8Array();
    expect(manifest.Config).toBe(`${sha256(config)}.json`);
    const layer = files[manifest.Layers[0]] ?? new Uint8Array();
    expect(read(manifest.Config)).toMatchObject({
      architecture: "amd64",
      os: "linux",
      config: { Entrypoint: ["/pod"] },
      rootfs: { diff_ids: [`sha256:${sha256(layer)}`] },
    });
    expect(Object.entries(await filesOf(layer))).toEqual([["pod", new Uint8Array(program)]]);
  });
});

test.each([
  ["v1.31.9+k3s1", "docker.io/rancher/mirrored-pause:3.6"],
  ["v1.35.9+k3s1", "docker.io/rancher/mirrored-pause:3.6"],
  ["v1.36.3+k3s1", "docker.io/rancher/mirrored-pause:3.10.2"],
  ["v1.37.1+k3s1", "docker.io/rancher/mirrored-pause:3.10.2"],
])("pauseImage() of %s", (k3s, image) => {
  expect(pauseImage(k3s)).toBe(image);
});
