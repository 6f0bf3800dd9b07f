/** The kernel writes data in pages: a file that was not completely written ends at a multiple of this, in bytes. */
const PAGE = 4096;

/**
 * Whether a text has what a power cut leaves of unflushed content: nothing, or NUL bytes in place of characters.
 * Source: https://docs.kernel.org/filesystems/ext4/overview.html (delayed allocation).
 */
export function isLostText(content: Uint8Array): boolean {
  return content.length === 0 || content.includes(0);
}

/**
 * Whether a copy of `original` was lost in a power cut before it was flushed, and not changed by a user: it is empty,
 * has NUL bytes where the original has none, or ends after the first pages. The original is only read if necessary.
 */
export function isLostCopy(copy: Uint8Array, readOriginal: () => Uint8Array): boolean {
  if (!isLostText(copy) && copy.length % PAGE !== 0) return false;
  const original = readOriginal();
  if (isLostText(copy)) return !isLostText(original);
  return copy.length < original.length && Buffer.compare(copy, original.subarray(0, copy.length)) === 0;
}
