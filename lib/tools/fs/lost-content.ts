/** The kernel writes data in pages: a file that it had not written out yet ends at a multiple of one, in bytes. */
const PAGE = 4096;

/**
 * Whether this is what a power cut leaves of a text that was not flushed: nothing, or NUL bytes where there were characters.
 * Source: https://docs.kernel.org/filesystems/ext4/overview.html (delayed allocation).
 */
export function isLostText(content: Uint8Array): boolean {
  return content.length === 0 || content.includes(0);
}

/**
 * Whether this is what a power cut leaves of a copy of `original` that was not flushed, and not what somebody made of the
 * copy since: nothing, NUL bytes where there were none, or the first pages. The original is read only where it matters.
 */
export function isLostCopy(copy: Uint8Array, readOriginal: () => Uint8Array): boolean {
  if (!isLostText(copy) && copy.length % PAGE !== 0) return false;
  const original = readOriginal();
  if (isLostText(copy)) return !isLostText(original);
  return copy.length < original.length && Buffer.compare(copy, original.subarray(0, copy.length)) === 0;
}
