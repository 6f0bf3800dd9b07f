import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { scratchDirectory } from "../../tools/fs/scratch-directory.ts";
import { cmd } from "../../tools/host/cmd.ts";
import type { Host } from "../../tools/host/host.ts";
import { type Arch, targetOf } from "../../tools/host/targets.ts";
import { compilerPackage } from "../executable/compiler.ts";
import { tarPieces } from "../image/tar.ts";

/** A program that answers HTTP on port 8080 by its argument, as the image of a container. */
export const ANSWER_IMAGE = "docker.io/k3os/answer:1";

/** Debian packages that {@link makePodImages} needs for amd64. */
export const POD_PACKAGES = [compilerPackage("gcc", targetOf("amd64")), "libc6-dev"];

/** The minor version of Kubernetes whose k3s has another image for the sandbox of pods. */
const NEW_PAUSE = 36;

/**
 * The image that a k3s runs as the sandbox of each pod
 * (https://github.com/k3s-io/k3s/blob/v1.36.3%2Bk3s1/pkg/cli/cmds/agent.go).
 */
export function pauseImage(k3s: string): string {
  const minor = Number(/^v1\.(\d+)\./.exec(k3s)?.[1]);
  return `docker.io/rancher/mirrored-pause:${minor >= NEW_PAUSE ? "3.10.2" : "3.6"}`;
}

/** An image of one program, which must be static. */
interface PodImage {
  readonly name: string;
  readonly program: Uint8Array;
  /** The name that the program is started by; default `pod`. */
  readonly file?: string;
}

/**
 * Makes the archives of images that let pods run on a node without the Internet: the sandbox, and {@link ANSWER_IMAGE}.
 * Returns their paths in `directory`, which is created.
 */
export async function makePodImages(
  directory: string,
  { k3s }: { readonly k3s: string },
  host: Pick<Host, "run">,
): Promise<string[]> {
  mkdirSync(directory, { recursive: true });
  const program = await compile("amd64", host);
  return Object.entries({ pause: pauseImage(k3s), answer: ANSWER_IMAGE }).map(([file, name]) => {
    const path = join(directory, `${file}.tar`);
    writeFileSync(path, podArchive("amd64", { name, program }));
    return path;
  });
}

async function compile(arch: Arch, host: Pick<Host, "run">): Promise<Uint8Array> {
  using scratch = scratchDirectory(tmpdir(), "k3os-pod-");
  const program = join(scratch.path, "pod");
  const source = join(import.meta.dirname, "pod.c");
  await host.run(cmd`${targetOf(arch).triplet}-gcc -static -Os -s ${source} -o ${program}`);
  return readFileSync(program);
}

/**
 * An image with one layer and one tag, as `docker save` writes it: k3s does not import two tags of one image
 * (https://github.com/moby/docker-image-spec/blob/v1.3.1/spec.md).
 */
export function podArchive(architecture: Arch, { name, program, file = "pod" }: PodImage): Uint8Array {
  const layer = archive({ [file]: program }, 0o755);
  const config = json({
    architecture,
    os: "linux",
    // the name makes images of the same program different ones
    config: { Entrypoint: [`/${file}`], Labels: { "org.opencontainers.image.ref.name": name } },
    rootfs: { type: "layers", diff_ids: [`sha256:${sha256(layer)}`] },
  });
  const names = { config: `${sha256(config)}.json`, layer: "layer.tar" };
  const manifest = json([{ Config: names.config, RepoTags: [name], Layers: [names.layer] }]);
  return archive({ "manifest.json": manifest, [names.config]: config, [names.layer]: layer }, 0o644);
}

function archive(files: Readonly<Record<string, Uint8Array>>, mode: number): Uint8Array {
  const entries = Object.entries(files).map(([path, content]) => {
    return { kind: "file", path, mode, content: [content] } as const;
  });
  return Buffer.concat(tarPieces(entries, 0) as readonly Uint8Array[]);
}

function json(value: unknown): Uint8Array {
  return Buffer.from(JSON.stringify(value));
}

function sha256(content: Uint8Array): string {
  return createHash("sha256").update(content).digest("hex");
}

/** The port of every node at which {@link answeringPod} is reached. */
export const NODE_PORT = 30080;

/** A pod that answers HTTP by a text, and its Service. `node`: on that node, whatever its taints. */
export function answeringPod(name: string, { answer, node }: { answer: string; node?: string }): object {
  const pod = {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name, labels: { app: name } },
    spec: {
      ...(node && { nodeName: node }),
      containers: [{ name, image: ANSWER_IMAGE, imagePullPolicy: "IfNotPresent", args: [answer] }],
    },
  };
  const service = {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name },
    spec: { type: "NodePort", selector: { app: name }, ports: [{ port: 8080, nodePort: NODE_PORT }] },
  };
  return { apiVersion: "v1", kind: "List", items: [pod, service] };
}
