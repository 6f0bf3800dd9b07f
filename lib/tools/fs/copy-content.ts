import { open } from "node:fs/promises";
import type { Progress } from "../host/host.ts";
import { contentOf, openRegular } from "./read-bounded.ts";
import { MIB } from "./size.ts";

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
 * Copies what is in a file into another, which is made or emptied. Throws what reading and writing throw, CommandError for
 * what is no file, and the reason of `signal` when that aborts.
 */
export async function copyContent(from: string, to: string, { onPiece, signal }: CopyWatch): Promise<void> {
  using source = openRegular(from, { follow: false });
  await using target = await open(to, "w");
  for await (const piece of contentOf(source, Buffer.allocUnsafe(PIECE))) {
    signal.throwIfAborted();
    await target.writeFile(piece);
    onPiece(piece.length);
  }
}
