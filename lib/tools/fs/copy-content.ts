import { open } from "node:fs/promises";
import type { Progress } from "../host/host.ts";
import { contentOf, openRegular } from "./read-bounded.ts";
import { MIB } from "./size.ts";

const PIECE = 4 * MIB;

export interface CopyWatch {
  /** Called with the number of bytes of each copied piece. */
  readonly onPiece: (bytes: number) => void;
  readonly signal: AbortSignal;
}

/** Sums up the copied bytes of several files for a progress bar. */
export function watchCopies(progress: Progress, signal: AbortSignal): CopyWatch {
  let done = 0;
  const onPiece = (bytes: number) => {
    done += bytes;
    progress.update(done);
  };
  return { onPiece, signal };
}

/**
 * Copies the content of a file into another, which is created or truncated. Throws the errors of reading and writing,
 * CommandError if the source is not a file, and the reason of `signal` when it aborts.
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
