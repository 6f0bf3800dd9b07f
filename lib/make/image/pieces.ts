import { createHash } from "node:crypto";
import { createReadStream, createWriteStream, statSync } from "node:fs";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";

/** A piece of a composed file: bytes, or the content of another file. */
export type Piece = Uint8Array | { readonly file: string };

const CHUNK = 1 << 20;

/** The total number of bytes of pieces. */
export function sizeOf(pieces: readonly Piece[]): number {
  return pieces.reduce(
    (sum, piece) => sum + (piece instanceof Uint8Array ? piece.length : statSync(piece.file).size),
    0,
  );
}

/** The SHA-256 of concatenated pieces, in hexadecimal. */
export async function sha256Of(pieces: readonly Piece[]): Promise<string> {
  const hash = createHash("sha256");
  await pipeline(Readable.from(chunksOf(pieces)), hash);
  return hash.digest("hex");
}

/** Writes concatenated pieces to a new file. */
export async function writePieces(file: string, pieces: readonly Piece[]): Promise<void> {
  await pipeline(Readable.from(chunksOf(pieces)), createWriteStream(file, { flags: "wx" }));
}

async function* chunksOf(pieces: readonly Piece[]): AsyncGenerator<Uint8Array> {
  for (const piece of pieces) {
    if (piece instanceof Uint8Array) yield piece;
    else yield* createReadStream(piece.file, { highWaterMark: CHUNK });
  }
}
