import { createHash } from "node:crypto";
import { file, tar } from "./tarball.ts";

/** The bytes of an archive as `docker save` writes it, with an image of one small layer for each list of names. */
export async function imageArchive(
  images: readonly (readonly string[])[],
  { content = "hello\n", architecture = "amd64" }: { content?: string; architecture?: string } = {},
): Promise<Buffer> {
  const layer = await tar([file("greeting", content)]);
  const digest = createHash("sha256").update(layer).digest("hex");
  const config = { architecture, os: "linux", rootfs: { type: "layers", diff_ids: [`sha256:${digest}`] } };
  const manifest = images.map((names, at) => {
    return { Config: `config-${at}.json`, RepoTags: names, Layers: ["layer.tar"] };
  });
  return Buffer.from(
    await tar([
      file("layer.tar", layer),
      ...images.map((_, at) =>
        file(`config-${at}.json`, JSON.stringify({ ...config, config: { Labels: { at: `${at}` } } })),
      ),
      file("manifest.json", JSON.stringify(manifest)),
    ]),
  );
}
