import { join } from "node:path";
import { PROJECT_URL } from "../../tools/host/project.ts";
import type { Target } from "../../tools/host/targets.ts";
import { type Made, partOf, type Step } from "../build/build-step.ts";
import type { BuildContext } from "../build/context.ts";
import { type Archive, type CompressedFile, treeArchive } from "./compressed-tree.ts";
import { parentDirectories } from "./cpio.ts";
import { compressEach } from "./gzip-file.ts";
import { type Bases, imageLayers, type Layer, layerTree } from "./image-layers.ts";
import type { SystemFiles } from "./overlay-tarball.ts";
import { type Piece, sha256Of, sizeOf, writePieces } from "./pieces.ts";
import { type TarEntry, tarPieces } from "./tar.ts";

/** The registry of the project's images. */
export const IMAGE_NAME = "ghcr.io/k3os/k3os";

/** Programs of the image first, then Docker's default. */
const IMAGE_PATH = [
  ...["/k3os/system/k3os/current", "/k3os/system/k3s/current"],
  ...["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"],
].join(":");

const MEDIA = {
  index: "application/vnd.oci.image.index.v1+json",
  manifest: "application/vnd.oci.image.manifest.v1+json",
  config: "application/vnd.oci.image.config.v1+json",
  // not zstd: containerd 1.4 and Docker 20 do not support it
  layer: "application/vnd.oci.image.layer.v1.tar+gzip",
} as const;

interface ContainerInput {
  readonly layers: readonly Layer[];
  readonly compressed: readonly CompressedFile[];
  readonly target: Pick<Target, "arch" | "variant">;
  readonly version: string;
  readonly sourceDateEpoch: number;
}

const IMAGE = "image.tar";

const containerStep: Step<ContainerInput> = {
  module: import.meta.filename,
  make: async ({ target, layers, compressed, version, sourceDateEpoch }, into) => {
    const archives = layers.map((layer) => {
      return {
        name: layer.name,
        ...treeArchive(layerTree(layer), { top: "", mtime: sourceDateEpoch }, compressed),
      };
    });
    const files = await imageLayout(archives, target, { version, sourceDateEpoch });
    await writePieces(join(into, IMAGE), tarPieces(files, sourceDateEpoch));
  },
};

/**
 * Builds `k3os-image-ARCH.tar`, the image that the upgrade controller runs: an OCI image layout (image-spec v1.1) with
 * the `manifest.json` of `docker save` beside it. It holds `/k3os/system` and nothing else, in the layers of {@link
 * imageLayers}, with `bases` for its large files. The digest of a layer only depends on the layer's own files.
 */
export async function buildContainer(
  { arch, variant }: Pick<Target, "arch" | "variant">,
  { parts, compressed: whole, bases }: SystemFiles & { readonly bases: Bases },
  { make, version, sourceDateEpoch }: Pick<BuildContext, "make" | "version" | "sourceDateEpoch">,
): Promise<string> {
  const layers = await imageLayers({ parts, bases, arch }, make);
  const done = new Set(whole.map(({ file }) => file.path));
  const others = layers.flatMap(({ entries }) =>
    entries.flatMap((entry): [string, Made][] => {
      return entry.kind === "file" && !done.has(entry.file.path) ? [[stepName(entry.path), entry.file]] : [];
    }),
  );
  const compressed = [...whole, ...(await compressEach({ arch }, others, { make }))];
  const input = { layers, compressed, target: { arch, variant }, version, sourceDateEpoch };
  return partOf(await make(containerStep, { name: `container-${arch}`, input }), IMAGE).path;
}

/** The tag of a version: it must not contain `+`, which the upgrade controller replaces with `-`. */
export function imageTag(version: string): string {
  return version.replaceAll("+", "-");
}

/** `base-initrd`, `initrd.delta`. */
function stepName(path: string): string {
  const [name = "", directory = ""] = path.split("/").toReversed();
  return directory === "base" ? `base-${name}` : name;
}

/** The files of an image. */
async function imageLayout(
  layers: readonly (Archive & Pick<Layer, "name">)[],
  { arch, variant }: Pick<Target, "arch" | "variant">,
  { version, sourceDateEpoch }: Pick<BuildContext, "version" | "sourceDateEpoch">,
): Promise<readonly TarEntry[]> {
  const platform = { architecture: arch, os: "linux", ...(variant && { variant }) };
  const created = new Date(sourceDateEpoch * 1000).toISOString().replace(".000", "");
  const labels = {
    "org.opencontainers.image.version": version,
    "org.opencontainers.image.source": PROJECT_URL,
    "org.opencontainers.image.title": "k3OS",
  };
  const config = await jsonBlob(MEDIA.config, {
    created,
    ...platform,
    config: { Env: [`PATH=${IMAGE_PATH}`], Entrypoint: ["k3os"], Cmd: ["help"], Labels: labels },
    rootfs: { type: "layers", diff_ids: await eachOf(layers, ({ plain }) => diffId(plain)) },
    history: layers.map(({ name }) => ({ created, created_by: `k3os ${name}` })),
  });
  const data = await eachOf(layers, ({ gzip }) => blob(MEDIA.layer, gzip));
  const manifest = await jsonBlob(MEDIA.manifest, {
    schemaVersion: 2,
    mediaType: MEDIA.manifest,
    config: config.descriptor,
    layers: data.map(({ descriptor }) => descriptor),
    annotations: labels,
  });
  const name = `${IMAGE_NAME}:${imageTag(version)}`;
  const names = {
    // containerd and podman use the first, skopeo the second
    "io.containerd.image.name": name,
    "org.opencontainers.image.ref.name": imageTag(version),
  };
  const index = {
    schemaVersion: 2,
    mediaType: MEDIA.index,
    manifests: [{ ...manifest.descriptor, platform, annotations: names }],
  };
  const docker = [{ Config: config.path, RepoTags: [name], Layers: data.map(({ path }) => path) }];
  return [
    file("oci-layout", [json({ imageLayoutVersion: "1.0.0" })]),
    file("index.json", [json(index)]),
    file("manifest.json", [json(docker)]),
    ...parentDirectories([config.path]),
    ...[config, manifest, ...data].map(({ path, content }) => file(path, content)),
  ];
}

async function diffId(plain: readonly Piece[]): Promise<string> {
  return `sha256:${await sha256Of(plain)}`;
}

/** In order, one after the other: each reads large files. */
async function eachOf<T, U>(items: readonly T[], action: (item: T) => Promise<U>): Promise<U[]> {
  const results: U[] = [];
  for (const item of items) results.push(await action(item));
  return results;
}

/** Content that is addressed by its digest. */
interface Blob {
  readonly path: string;
  readonly content: readonly Piece[];
  readonly descriptor: { readonly mediaType: string; readonly digest: string; readonly size: number };
}

async function blob(mediaType: string, content: readonly Piece[]): Promise<Blob> {
  const sha256 = await sha256Of(content);
  const descriptor = { mediaType, digest: `sha256:${sha256}`, size: sizeOf(content) };
  return { path: `blobs/sha256/${sha256}`, content, descriptor };
}

function jsonBlob(mediaType: string, value: unknown): Promise<Blob> {
  return blob(mediaType, [json(value)]);
}

function json(value: unknown): Uint8Array {
  return Buffer.from(JSON.stringify(value));
}

function file(path: string, content: readonly Piece[]): TarEntry {
  return { kind: "file", path, mode: 0o644, content };
}
