import { statSync } from "node:fs";
import { basename } from "node:path";
import { Readable } from "node:stream";
import { createGunzip, createZstdDecompress } from "node:zlib";
import { createTarDecoder, type ParsedTarEntry } from "modern-tar";
import { contentOf, openRegular } from "../fs/read-bounded.ts";
import { isFields } from "../fs/record.ts";
import { MIB } from "../fs/size.ts";
import { formatBytes } from "../terminal/progress.ts";
import { CommandError, messageOf } from "../text/errors.ts";

/** An archive of container images, as `docker save`, `podman save` and `ctr images export` write it. */
export interface ImageArchive {
  readonly path: string;
  readonly name: string;
  /** Bytes. */
  readonly size: number;
  /** The names of each image. */
  readonly images: readonly (readonly string[])[];
}

type Compression = "none" | "gzip" | "zstd";

/** k3s decompresses by the ending of the name (github.com/rancher/wharfie, pkg/tarfile). */
const ENDINGS: Readonly<Record<string, Compression>> = {
  ".tar": "none",
  ".tar.gz": "gzip",
  ".tgz": "gzip",
  ".tar.zst": "zstd",
  ".tzst": "zstd",
};

/** A name that is safe as a word of a checksum file and of a message. */
const NAME = /^\w[\w.+~-]{0,199}$/;
/** Bytes: k3s refuses to decompress a larger window (wharfie, MaxDecoderMemory). */
const MAX_WINDOW = 32 * MIB;
/** Bytes of an index of an archive. */
const MAX_INDEX = 4 * MIB;
/** The indexes of both formats: of Docker and of OCI. */
const INDEXES = ["manifest.json", "index.json"];

/** Whether k3s would import a file of this name. */
export function isArchiveName(name: string): boolean {
  return NAME.test(name) && compressionOf(name) !== undefined;
}

function compressionOf(name: string): Compression | undefined {
  return Object.entries(ENDINGS).find(([ending]) => name.endsWith(ending))?.[1];
}

/**
 * Reads an archive of container images to its end. Throws CommandError if k3s could not import it: a name with another
 * ending, content that is none or truncated, or no image in it.
 */
export async function inspectArchive(path: string): Promise<ImageArchive> {
  const name = basename(path);
  const size = statSync(path, { throwIfNoEntry: false })?.size;
  if (size === undefined) throw new CommandError(`File not found: "${path}"`);
  const expected = compressionOf(name);
  if (expected === undefined || !NAME.test(name)) {
    throw new CommandError(
      `Found the archive "${name}", expected a name of letters, digits, ".", "_", "-" and "+" that ends in ${Object.keys(ENDINGS).join(", ")}`,
    );
  }
  try {
    using file = openRegular(path);
    const found = checkStart(await startOf(file), expected);
    const images = await readImages(decompressed(file, found));
    if (images.length === 0) throw new CommandError("it holds no container image");
    return { path, name, size, images };
  } catch (cause) {
    throw new CommandError(`"${path}" is not an archive of container images`, { cause });
  }
}

async function startOf(file: { readonly fd: number; readonly size: number }): Promise<Buffer> {
  for await (const piece of contentOf({ fd: file.fd, size: Math.min(file.size, 512) })) return piece;
  return Buffer.alloc(0);
}

/** Compares the content with the name. Returns the compression. */
function checkStart(start: Buffer, expected: Compression): Compression {
  const found = magicOf(start);
  if (found === undefined) throw new CommandError("its content is neither tar, gzip nor zstd");
  if (found !== expected) {
    throw new CommandError(`its content is ${WORDS[found]}, its name says ${WORDS[expected]}`);
  }
  const window = found === "zstd" ? zstdWindow(start) : 0;
  if (window <= MAX_WINDOW) return found;
  throw new CommandError(
    `it was compressed with a window of ${formatBytes(window)}, k3s takes ${formatBytes(MAX_WINDOW)}`,
    { hint: "compress it again: zstd -19 --long=25" },
  );
}

const WORDS: Readonly<Record<Compression, string>> = { none: "plain tar", gzip: "gzip", zstd: "zstd" };

function magicOf(start: Buffer): Compression | undefined {
  if (start.length > 4 && start.readUInt32BE(0) === 0x28b52ffd) return "zstd";
  if (start.length > 2 && start.readUInt16BE(0) === 0x1f8b) return "gzip";
  // POSIX and GNU tar; the older format has no magic
  return start.toString("latin1", 257, 262) === "ustar" ? "none" : undefined;
}

/** Bytes of the window that a frame needs: https://datatracker.ietf.org/doc/html/rfc8878#section-3.1.1.1 */
export function zstdWindow(frame: Buffer): number {
  const [descriptor = 0, window = 0] = frame.subarray(4);
  if ((descriptor & 0x20) !== 0) return 0; // one segment: the content itself, whose size k3s knows
  const base = 2 ** (10 + (window >> 3));
  return base + (base / 8) * (window & 7);
}

function decompressed(
  file: { readonly fd: number; readonly size: number },
  compression: Compression,
): AsyncIterable<Buffer> {
  const content = Readable.from(contentOf(file));
  if (compression === "none") return content;
  const stream = compression === "gzip" ? createGunzip() : createZstdDecompress();
  content.on("error", (error) => stream.destroy(error));
  return content.pipe(stream);
}

async function readImages(content: AsyncIterable<Buffer>): Promise<string[][]> {
  const decoder = createTarDecoder({ strict: true });
  const writer = decoder.writable.getWriter();
  const indexes = new Map<string, unknown>();
  const feed = async () => {
    for await (const chunk of content) {
      await writer.ready;
      await writer.write(chunk);
    }
    await writer.close();
  };
  const read = async () => {
    for await (const { header, body } of decoder.readable) {
      if (!INDEXES.includes(header.name)) await body.cancel();
      else indexes.set(header.name, await readIndex(header.name, body));
    }
  };
  const fed = feed().catch(async (error: unknown) => {
    await writer.abort(error).catch(() => undefined);
    throw error;
  });
  try {
    await Promise.all([fed, read()]);
  } catch (cause) {
    if (cause instanceof CommandError) throw cause;
    throw new CommandError("it is damaged or incomplete", { cause: new Error(messageOf(cause)) });
  }
  const docker = indexes.get("manifest.json");
  return docker === undefined ? ociNames(indexes.get("index.json")) : dockerNames(docker);
}

async function readIndex(name: string, body: ParsedTarEntry["body"]): Promise<unknown> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body) {
    size += chunk.length;
    if (size > MAX_INDEX) throw new CommandError(`its ${name} has more than ${formatBytes(MAX_INDEX)}`);
    chunks.push(chunk);
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString("utf8"));
  } catch {
    throw new CommandError(`its ${name} is not JSON`);
  }
}

/** https://github.com/moby/docker-image-spec/blob/main/spec.md: an entry for each image, with its tags. */
function dockerNames(manifest: unknown): string[][] {
  const entries = Array.isArray(manifest) ? manifest.filter(isFields) : [];
  return entries.map(({ RepoTags: tags }) => (Array.isArray(tags) ? tags.map(String) : []));
}

/** https://github.com/opencontainers/image-spec/blob/main/image-layout.md: a descriptor for each name. */
function ociNames(index: unknown): string[][] {
  const manifests = isFields(index) && Array.isArray(index.manifests) ? index.manifests.filter(isFields) : [];
  const names = new Map<string, string[]>();
  for (const { digest, annotations } of manifests) {
    const found = isFields(annotations) ? annotations : {};
    const name = found["io.containerd.image.name"] ?? found["org.opencontainers.image.ref.name"];
    const known = names.get(String(digest)) ?? [];
    names.set(String(digest), name === undefined ? known : [...known, String(name)]);
  }
  return [...names.values()];
}
