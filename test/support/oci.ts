import { mkdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { sha256File } from "../../lib/tools/fs/checksums.ts";
import { runProgram } from "../../lib/tools/host/host.ts";

/** What a descriptor of an OCI image says of a blob. */
export interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
  readonly platform?: Platform;
  readonly annotations?: Readonly<Record<string, string>>;
}

export interface Platform {
  readonly architecture: string;
  readonly os: string;
  readonly variant?: string;
}

export interface ImageConfig extends Platform {
  readonly created: string;
  readonly config: {
    readonly Env: readonly string[];
    readonly Entrypoint: readonly string[];
    readonly Cmd: readonly string[];
    readonly Labels: Readonly<Record<string, string>>;
  };
  readonly rootfs: { readonly type: string; readonly diff_ids: readonly string[] };
  readonly history: readonly { readonly created_by: string }[];
}

/** An image out of its archive; the JSON is as it was found. */
export interface OciImage {
  readonly layout: { readonly imageLayoutVersion: string };
  readonly index: { readonly schemaVersion: number; readonly manifests: readonly [Descriptor] };
  readonly manifest: { readonly config: Descriptor; readonly layers: readonly Descriptor[] };
  readonly config: ImageConfig;
  readonly docker: readonly [{ Config: string; RepoTags: readonly string[]; Layers: readonly string[] }];
  /** All blobs that the index leads to. */
  readonly blobs: readonly Descriptor[];
  /** Files of the layers, in order. */
  readonly layers: readonly string[];
  readonly path: (blob: Descriptor) => string;
}

/** Unpacks the archive of an image into a new directory and follows its index. */
export async function unpackOci(archive: string, directory: string): Promise<OciImage> {
  mkdirSync(directory);
  await runProgram(["tar", "-xf", archive, "-C", directory]);
  const read = (path: string) => JSON.parse(readFileSync(path, "utf8"));
  const path = ({ digest }: Descriptor) => join(directory, "blobs", digest.replace(":", "/"));
  const index: OciImage["index"] = read(join(directory, "index.json"));
  const manifest: OciImage["manifest"] = read(path(index.manifests[0]));
  return {
    layout: read(join(directory, "oci-layout")),
    index,
    manifest,
    config: read(path(manifest.config)),
    docker: read(join(directory, "manifest.json")),
    blobs: [index.manifests[0], manifest.config, ...manifest.layers],
    layers: manifest.layers.map(path),
    path,
  };
}

/** The digest and size that a file really has. */
export async function measured(file: string): Promise<Pick<Descriptor, "digest" | "size">> {
  return { digest: `sha256:${await sha256File(file)}`, size: statSync(file).size };
}
