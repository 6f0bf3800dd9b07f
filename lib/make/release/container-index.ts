import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { scratchDirectory } from "../../tools/fs/scratch-directory.ts";
import { cmd } from "../../tools/host/cmd.ts";
import type { Host } from "../../tools/host/host.ts";
import { IMAGE_NAME, imageTag } from "../image/container.ts";
import { parentDirectories } from "../image/cpio.ts";
import { writePieces } from "../image/pieces.ts";
import { type TarEntry, tarPieces } from "../image/tar.ts";

const INDEX = "application/vnd.oci.image.index.v1+json";

/** A reference to a blob (OCI image specification, content descriptors). */
interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
  readonly platform?: unknown;
  readonly annotations?: unknown;
}

/**
 * Joins the container images of several architectures to one with one tag: an archive of an OCI image layout, whose only
 * entry is an index of the images. A layer that they share is in it once. `file` must not exist. Throws CommandError.
 */
export async function joinImages(
  archives: readonly string[],
  file: string,
  { version, sourceDateEpoch }: { readonly version: string; readonly sourceDateEpoch: number },
  host: Pick<Host, "run">,
): Promise<void> {
  using scratch = scratchDirectory(dirname(file), ".images-");
  const manifests: Descriptor[] = [];
  for (const archive of archives) {
    await host.run(cmd`tar --extract --file ${archive} --directory ${scratch.path}`);
    const { manifests: own } = JSON.parse(readFileSync(join(scratch.path, "index.json"), "utf8")) as {
      readonly manifests: readonly Descriptor[];
    };
    // the name is that of the whole
    for (const { annotations: _, ...manifest } of own) manifests.push(manifest);
  }
  const content = json({ schemaVersion: 2, mediaType: INDEX, manifests });
  const digest = createHash("sha256").update(content).digest("hex");
  const names = {
    // containerd and podman use the first, skopeo the second
    "io.containerd.image.name": `${IMAGE_NAME}:${imageTag(version)}`,
    "org.opencontainers.image.ref.name": imageTag(version),
  };
  const whole = { mediaType: INDEX, digest: `sha256:${digest}`, size: content.length, annotations: names };
  const blobs = join(scratch.path, "blobs/sha256");
  mkdirSync(blobs, { recursive: true });
  const entries: TarEntry[] = [
    entry("oci-layout", json({ imageLayoutVersion: "1.0.0" })),
    entry("index.json", json({ schemaVersion: 2, mediaType: INDEX, manifests: [whole] })),
    ...parentDirectories([`blobs/sha256/${digest}`]),
    entry(`blobs/sha256/${digest}`, content),
    ...readdirSync(blobs)
      .sort()
      .map((name) => entry(`blobs/sha256/${name}`, { file: join(blobs, name) })),
  ];
  await writePieces(file, tarPieces(entries, sourceDateEpoch));
}

function json(value: unknown): Buffer {
  return Buffer.from(JSON.stringify(value));
}

function entry(path: string, content: Uint8Array | { readonly file: string }): TarEntry {
  return { kind: "file", path, mode: 0o644, content: [content] };
}
