import { fstatSync, writeSync } from "node:fs";

/** The descriptors of standard output and standard error. */
export const STDOUT = 1;
export const STDERR = 2;

/** Milliseconds between attempts while the reader of a non-blocking pipe or terminal is busy. */
const PAUSE = 5;

/**
 * Writes all of a text before it returns. Not through process.stdout, which takes Bun 10 ms to set up (an empty program
 * takes 5) and may still hold text when the process exits. Nobody there to read it (`| head`, a closed
 * descriptor, a terminal that was hung up) is no error.
 */
export function writeOut(descriptor: number, text: string | Uint8Array): void {
  const bytes = typeof text === "string" ? new TextEncoder().encode(text) : text; // Buffer takes Bun 0.2 ms to set up
  for (let written = 0; written < bytes.length; ) {
    try {
      written += writeSync(descriptor, bytes, written);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === "EPIPE" || code === "EBADF" || code === "EIO") return;
      if (code !== "EAGAIN") throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, PAUSE);
    }
  }
}

/** Whether a terminal may be at the other end. Asking isatty(3) takes an import that costs more than it tells. */
export function mayBeTerminal(descriptor: number): boolean {
  try {
    return fstatSync(descriptor).isCharacterDevice();
  } catch {
    return false; // it is closed
  }
}
