import { chmod, type FileHandle, mkdir, symlink } from "node:fs/promises";
import { dirname, join } from "node:path";
import { createGunzip, type Gunzip } from "node:zlib";
import { createTarDecoder, type ParsedTarEntry } from "modern-tar";
import { freeBytes, GIB } from "../fs/size.ts";
import type { Component } from "../host/paths.ts";
import { openNew, writeAll } from "../http/http-download.ts";
import { formatBytes } from "../terminal/progress.ts";
import { CommandError } from "../text/errors.ts";
import { type ArchiveEntry, type Placement, placeEntry } from "./archive-entry.ts";
import { openStage, type Stage } from "./stage.ts";

/** Unpacks an archive that arrives in pieces. Any failure is final, and is thrown by the next call. */
export interface Unpacker {
  write(chunk: Uint8Array): Promise<void>;
  /** Waits until everything is on the disk. Throws CommandError, also if the archive is incomplete. */
  finish(): Promise<void>;
  /** The unpublished versions of the archive. */
  stages(): readonly Stage[];
  /** Stops, and removes everything that is unpublished. */
  discard(): Promise<void>;
}

/** An archive has two dozen entries, and unpacks to half a GiB: an archive with more is an attack. */
const MAX_ENTRIES = 1_000;
const MAX_UNPACKED = 2 * GIB;
const CHUNK = 1 << 16;

/** Starts to unpack the selected components into stages beside the versions of `system`, by {@link placeEntry}. */
export function openUnpacker(system: string, components: readonly Component[]): Unpacker {
  const gunzip = createGunzip({ chunkSize: CHUNK });
  const decoder = createTarDecoder({ strict: true });
  const writer = decoder.writable.getWriter();
  const tree = openTree(system, components);
  let failure: unknown;
  const fail = (error: unknown) => {
    failure ??= explained(error);
    gunzip.destroy();
    // closes the other side of the decoder; it may have failed already
    writer.abort(failure).catch(() => undefined);
  };
  gunzip.on("error", fail);
  writer.closed.catch(fail);
  const work = [feed(gunzip, writer), unpackEntries(decoder.readable, tree)];
  const done = Promise.all(work);
  for (const part of work) part.catch(fail);
  done.catch(fail);
  return {
    write: async (chunk) => {
      if (!gunzip.destroyed && !gunzip.write(chunk)) await drained(gunzip);
      if (failure !== undefined) throw failure;
    },
    finish: async () => {
      gunzip.end();
      await done.catch(() => {
        throw failure;
      });
    },
    stages: tree.stages,
    discard: async () => {
      fail(new CommandError("It was given up"));
      await Promise.allSettled(work);
      for (const stage of tree.stages()) await stage.discard();
    },
  };
}

/** Settles when the stream accepts data again, or is closed. */
function drained(stream: Gunzip): Promise<void> {
  return new Promise((resolve) => {
    const settle = () => {
      stream.off("drain", settle).off("close", settle);
      resolve();
    };
    stream.on("drain", settle).on("close", settle);
    if (stream.destroyed) settle();
  });
}

/** Converts errors of gunzip and the tar reader: as network errors they would be retried. */
function explained(error: unknown): CommandError {
  if (error instanceof CommandError) return error;
  return new CommandError("It is not a complete .tar.gz", { cause: error });
}

async function feed(gunzip: Gunzip, writer: WritableStreamDefaultWriter<Uint8Array>): Promise<void> {
  let size = 0;
  for await (const chunk of gunzip as AsyncIterable<Buffer>) {
    size += chunk.length;
    checkSize(size); // also counts data that the headers do not declare
    await writer.ready;
    await writer.write(chunk);
  }
  await writer.close();
}

function checkSize(size: number): void {
  if (size > MAX_UNPACKED) throw new CommandError(`It unpacks to more than ${formatBytes(MAX_UNPACKED)}`);
}

/** The unpacked files, and their totals. */
interface Tree {
  stages(): readonly Stage[];
  isWanted(component: string): component is Component;
  /** The stage of a version, created if necessary, and the path of a new entry in it. */
  locate(place: Exclude<Placement, { kind: "skip" | "current" }>): Promise<{ stage: Stage; path: string }>;
  /** Records the version that the archive names as current. */
  current(component: Component, version: string): void;
  check(): void;
}

function openTree(system: string, components: readonly Component[]): Tree {
  const stages = new Map<Component, Stage>();
  const currents = new Map<Component, string>();
  const seen = new Map<string, Placement["kind"]>();
  const isWanted = (component: string): component is Component =>
    components.some((selected) => selected === component);
  return {
    stages: () => [...stages.values()],
    isWanted,
    locate: async ({ kind, component, version, path }) => {
      const name = join(component, version, path);
      if (!isWanted(component))
        throw new CommandError(`The archive holds "${name}", which was not requested`);
      if (seen.has(name)) throw new CommandError(`The archive holds "${name}" twice`);
      if (path !== "" && seen.get(dirname(name)) !== "directory") {
        throw new CommandError(`The archive holds "${name}", but not its directory before it`);
      }
      const stage = stages.get(component) ?? (await openStage(system, { component, version }));
      stages.set(component, stage);
      if (stage.version !== version) {
        throw new CommandError(
          `The archive holds two versions of ${component}: ${stage.version}, ${version}`,
        );
      }
      seen.set(name, kind);
      return { stage, path: join(stage.path, path) };
    },
    current: (component, version) => {
      if (currents.has(component)) throw new CommandError(`The archive holds "${component}/current" twice`);
      currents.set(component, version);
    },
    check: () => {
      for (const [component, { version }] of stages) {
        const current = currents.get(component) ?? version;
        if (current === version) continue;
        throw new CommandError(`The archive's current ${component} is ${current}, but it holds ${version}`);
      }
    },
  };
}

/** Writes the entries; each file is flushed to the disk while the next one is written. */
async function unpackEntries(entries: ReadableStream<ParsedTarEntry>, tree: Tree): Promise<void> {
  let count = 0;
  let size = 0;
  let flushing: Promise<void> = Promise.resolve();
  try {
    for await (const { header, body } of entries) {
      if (++count > MAX_ENTRIES) throw new CommandError(`It holds more than ${MAX_ENTRIES} entries`);
      const place = placeEntry(header as ArchiveEntry);
      size += header.size;
      checkSize(size);
      if (place.kind === "skip" || !tree.isWanted(place.component)) await body.cancel();
      else if (place.kind === "current") tree.current(place.component, place.version);
      else if (place.kind === "file") {
        const handle = await writeFile(place, body, tree);
        await flushing;
        flushing = flush(handle);
        flushing.catch(() => undefined); // thrown where it is awaited
      } else await writeOther(place, tree);
    }
  } finally {
    await flushing;
  }
  tree.check();
}

async function writeFile(
  place: Extract<Placement, { kind: "file" }>,
  body: AsyncIterable<Uint8Array>,
  tree: Tree,
): Promise<FileHandle> {
  const { stage, path } = await tree.locate(place);
  const free = freeBytes(stage.path);
  if (place.size > free) {
    throw new CommandError(
      `There is no room for "${path}": it has ${formatBytes(place.size)}, of which ${formatBytes(free)} are free`,
      { hint: "remove versions that are neither current nor previous" },
    );
  }
  const handle = await openNew(path, place.mode);
  try {
    let size = 0;
    for await (const chunk of body) {
      await writeAll(handle, chunk, size, path);
      size += chunk.length;
    }
    return handle;
  } catch (error) {
    await handle.close();
    throw error;
  }
}

async function flush(handle: FileHandle): Promise<void> {
  try {
    await handle.sync();
  } catch (cause) {
    throw new CommandError("Cannot write a file to the disk", { cause });
  } finally {
    await handle.close();
  }
}

async function writeOther(
  place: Extract<Placement, { kind: "directory" | "link" }>,
  tree: Tree,
): Promise<void> {
  const { path } = await tree.locate(place);
  if (place.kind === "directory" && place.path === "") return; // the stage itself
  try {
    if (place.kind === "link") return await symlink(place.target, path);
    await mkdir(path);
    await chmod(path, 0o755); // independent of the umask
  } catch (cause) {
    throw new CommandError(`Cannot write "${path}"`, { cause });
  }
}
