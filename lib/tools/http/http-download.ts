import { lstatSync } from "node:fs";
import { type FileHandle, open, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { flushDirectory, requireReplaceable } from "../fs/atomic.ts";
import type { Host } from "../host/host.ts";
import { CommandError } from "../text/errors.ts";
import { type Received, type ReceiveOptions, receive } from "./http-receive.ts";

export interface DownloadOptions extends ReceiveOptions {
  /** Permissions of the file; default 0644. */
  readonly mode?: number;
}

/**
 * {@link receive}s content into `file`. It is flushed to the disk and verified before `file` appears. On failure
 * nothing is left and an older `file` is kept. Throws HttpError or CommandError.
 */
export async function download(
  url: string,
  file: string,
  options: DownloadOptions,
  host: Pick<Host, "log" | "clock" | "env" | "run">,
): Promise<Received> {
  requireReplaceable(lstatSync(file, { throwIfNoEntry: false }));
  const partial = `${file}.partial`;
  await rm(partial, { force: true });
  const handle = await openNew(partial, options.mode ?? 0o644);
  let size = 0;
  const consumer = {
    write: async (chunk: Uint8Array) => {
      await writeAll(handle, chunk, size, partial);
      size += chunk.length;
    },
    restart: async () => {
      await handle.truncate(0);
      size = 0;
    },
    scratch: `${partial}.curl`,
  };
  try {
    const received = await receive(url, consumer, options, host);
    await handle.sync();
    await rename(partial, file);
    flushDirectory(dirname(file));
    return received;
  } catch (error) {
    await rm(partial, { force: true });
    throw error;
  } finally {
    await handle.close();
  }
}

/** Creates a file, which must not exist, with these permissions regardless of the umask. Throws CommandError. */
export async function openNew(path: string, mode: number): Promise<FileHandle> {
  try {
    const handle = await open(path, "wx", mode);
    await handle.chmod(mode); // independent of the umask
    return handle;
  } catch (cause) {
    throw new CommandError(`Cannot write "${path}"`, { cause });
  }
}

/** Writes all of `chunk` at an offset of the file, in bytes. Throws CommandError with `path`. */
export async function writeAll(
  handle: FileHandle,
  chunk: Uint8Array,
  at: number,
  path: string,
): Promise<void> {
  try {
    for (let done = 0; done < chunk.length; ) {
      done += (await handle.write(chunk, done, chunk.length - done, at + done)).bytesWritten;
    }
  } catch (cause) {
    throw new CommandError(`Cannot write "${path}"`, { cause });
  }
}
