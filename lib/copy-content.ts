import { open } from "node:fs/promises";
import { MIB } from "./disk/size.ts";
import type { Progress } from "./progress.ts";

const PIECE = 4 * MIB;

export interface CopyWatch {
  /** Told how many bytes each piece had that was copied. */
  readonly onPiece: (bytes: number) => void;
  readonly signal: AbortSignal;
}

/** Adds up for a progress what is copied of one file after the other. */
export function watchCopies(progress: Progress, signal: AbortSignal): CopyWatch {
  let done = 0;
  const onPiece = (bytes: number) => {
    done += bytes;
    progress.update(done);
  };
  return { onPiece, signal };
}

/**
 * Copies what is in a file into another, which is made or emptied. Throws what reading and writing throw, and the reason of
 * `signal` when that aborts.
 */
export async function copyContent(from: string, to: string, { onPiece, signal }: CopyWatch): Promise<void> {
  await using source = await open(from, "r");
  await using target = await open(to, "w");
  const buffer = Buffer.allocUnsafe(PIECE);
  for (;;) {
    signal.throwIfAborted();
    const { bytesRead } = await source.read(buffer, 0, PIECE, null);
    if (bytesRead === 0) return;
    await target.writeFile(buffer.subarray(0, bytesRead));
    onPiece(bytesRead);
  }
}
