import { lstatSync } from "node:fs";
import { type FileHandle, open, rename } from "node:fs/promises";
import { dirname } from "node:path";
import { flushDirectory, requireReplaceable } from "../fs/atomic.ts";
import { DigestError } from "../fs/checksums.ts";
import type { Host } from "../host/host.ts";
import { formatBytes } from "../terminal/progress.ts";
import { CommandError, Interrupted, messageOf } from "../text/errors.ts";
import { HttpError } from "./http-error.ts";
import { readHeld, recordPartial, removePartial } from "./http-partial.ts";
import { type Consumer, type Received, type ReceiveOptions, receive } from "./http-receive.ts";
import { maskUrl } from "./http-url.ts";

export interface DownloadOptions extends ReceiveOptions {
  /** Permissions of the file; default 0644. */
  readonly mode?: number;
  /**
   * Keep what has arrived when the transfer fails or the process ends, and continue with it when called again, also
   * after a reboot. Needs `sha256`: only the digest of the whole tells that the beginning is good.
   */
  readonly resume?: boolean;
}

type DownloadHost = Pick<Host, "log" | "clock" | "env" | "run">;

/**
 * {@link receive}s content into `file`. It is flushed to the disk and verified before `file` appears. On failure
 * nothing is left, unless it may be continued, and an older `file` is kept. Throws HttpError or CommandError.
 */
export async function download(
  url: string,
  file: string,
  options: DownloadOptions,
  host: DownloadHost,
): Promise<Received> {
  requireReplaceable(lstatSync(file, { throwIfNoEntry: false }));
  const { sha256, resume = false, ...limits } = options;
  const partial = `${file}.partial`;
  const held = resume && sha256 !== undefined ? readHeld(partial, { sha256, size: options.size }) : undefined;
  if (held === undefined) removePartial(partial);
  else host.log.info(`Continuing the download of "${maskUrl(url)}" after ${formatBytes(held.size)}`);
  const handle = await (held === undefined ? openNew(partial, options.mode ?? 0o644) : open(partial, "r+"));
  let size = held?.size ?? 0;
  const consumer: Consumer = {
    held,
    write: async (chunk) => {
      await writeAll(handle, chunk, size, partial);
      size += chunk.length;
    },
    restart: async () => {
      await handle.truncate(0);
      size = 0;
    },
    identify: (validator) => {
      if (resume && sha256 !== undefined) recordPartial(partial, { validator, sha256 });
    },
    scratch: `${partial}.curl`,
  };
  try {
    const received = await receive(url, consumer, { ...limits, ...(sha256 && { sha256 }) }, host);
    await handle.sync();
    await rename(partial, file);
    removePartial(partial);
    flushDirectory(dirname(file));
    return received;
  } catch (error) {
    const isUseful = resume && mayContinue(error) && sha256 !== undefined && readHeld(partial, { sha256 });
    if (!isUseful) removePartial(partial);
    if (!(error instanceof DigestError) || held === undefined) throw error;
    host.log.warn(`${messageOf(error)}; it started in an earlier run, and starts again now`);
  } finally {
    await handle.close();
  }
  return await download(url, file, options, host);
}

/** Whether the beginning is worth keeping: not with a full disk, nor with content that is not the expected. */
function mayContinue(error: unknown): boolean {
  return error instanceof HttpError || error instanceof Interrupted;
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
