import { createHash } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parentDirectories } from "../../lib/make/image/cpio.ts";
import { writePieces } from "../../lib/make/image/pieces.ts";
import { writeChecksums } from "../../lib/make/image/signing.ts";
import { type TarEntry, tarPieces } from "../../lib/make/image/tar.ts";
import { runProgram } from "../../lib/tools/host/host.ts";
import type { Arch } from "../../lib/tools/host/targets.ts";
import type { SigningKey } from "../../lib/tools/release/signing-key.ts";
import type { TestHost } from "./host.ts";
import { k3sProgram } from "./k3s-program.ts";

export interface Artifacts {
  readonly directory: string;
  readonly arches: readonly Arch[];
  readonly version: string;
  readonly key: SigningKey;
  /** Default: none. */
  readonly k3s?: string;
  /** Further files of each architecture, and their content. */
  readonly more?: (arch: Arch) => Readonly<Record<string, string | Uint8Array>>;
}

/** The Debian packages of the images. */
export const PACKAGES = "base-files 13.8+deb13u1\nlibc6 2.41-12\nsystemd 257.8-1~deb13u2\n";

/** Artifacts with the shape of real ones and little in them, signed as the build signs them. */
export async function makeArtifacts(artifacts: Artifacts, host: TestHost): Promise<void> {
  const { directory, arches, version, key, k3s, more = () => ({}) } = artifacts;
  mkdirSync(directory, { recursive: true });
  for (const arch of arches) {
    const files = {
      [`k3os-${arch}`]: `the executable of ${version} for ${arch}`,
      [`k3os-kernel-version-${arch}`]: "6.12.118+deb13-amd64\n",
      "install.sh": "#!/bin/sh\n",
      ...more(arch),
    };
    for (const [name, content] of Object.entries(files)) writeFileSync(join(directory, name), content);
    await makeTarball(directory, { arch, version, k3s });
    await makeImage(directory, arch);
    const names = [...Object.keys(files), `k3os-rootfs-${arch}.tar.gz`, `k3os-image-${arch}.tar`];
    const signedAt = Math.floor(host.clock.now() / 1000);
    await writeChecksums({ arch }, { names, key, k3s }, { artifacts: directory, version, signedAt, host });
  }
}

async function makeTarball(
  directory: string,
  { arch, version, k3s }: { readonly arch: Arch; readonly version: string; readonly k3s: string | undefined },
): Promise<void> {
  const tree = join(directory, `.tree-${arch}`);
  const k3os = join(tree, "k3os/system/k3os", version);
  const usr = join(tree, "usr/share/k3os");
  for (const path of [k3os, usr]) mkdirSync(path, { recursive: true });
  writeFileSync(join(usr, "packages"), PACKAGES);
  const squashfs = join(k3os, "k3os.squashfs");
  await runProgram(["mksquashfs", join(tree, "usr"), squashfs, "-quiet", "-no-progress"]);
  if (k3s !== undefined) {
    const path = join(tree, "k3os/system/k3s", k3s);
    mkdirSync(path, { recursive: true });
    writeFileSync(join(path, "k3s"), k3sProgram(k3s));
  }
  const file = join(directory, `k3os-rootfs-${arch}.tar.gz`);
  await runProgram(["tar", "--create", "--gzip", "--file", file, "--directory", tree, "k3os"]);
  await runProgram(["rm", "-r", tree]);
}

/** The container image of an architecture, as an archive of an OCI layout; its one layer is empty. */
async function makeImage(directory: string, arch: Arch): Promise<void> {
  const blobs = new Map<string, Buffer>();
  const add = (mediaType: string, content: Buffer) => {
    const digest = createHash("sha256").update(content).digest("hex");
    blobs.set(digest, content);
    return { mediaType, digest: `sha256:${digest}`, size: content.length };
  };
  const json = (value: unknown) => Buffer.from(JSON.stringify(value));
  const plain = Buffer.alloc(1024);
  const layer = add("application/vnd.oci.image.layer.v1.tar", plain);
  const platform = { architecture: arch, os: "linux", ...(arch === "arm" && { variant: "v7" }) };
  const config = add(
    "application/vnd.oci.image.config.v1+json",
    json({ ...platform, config: {}, rootfs: { type: "layers", diff_ids: [layer.digest] }, history: [{}] }),
  );
  const mediaType = "application/vnd.oci.image.manifest.v1+json";
  const manifest = add(mediaType, json({ schemaVersion: 2, mediaType, config, layers: [layer] }));
  const index = { schemaVersion: 2, manifests: [{ ...manifest, platform, annotations: { of: arch } }] };
  const entry = (path: string, content: Buffer): TarEntry => {
    return { kind: "file", path, mode: 0o644, content: [content] };
  };
  const entries = [
    entry("oci-layout", json({ imageLayoutVersion: "1.0.0" })),
    entry("index.json", json(index)),
    ...parentDirectories(["blobs/sha256/x"]),
    ...[...blobs].map(([digest, content]) => entry(`blobs/sha256/${digest}`, content)),
  ];
  await writePieces(join(directory, `k3os-image-${arch}.tar`), tarPieces(entries, 0));
}
