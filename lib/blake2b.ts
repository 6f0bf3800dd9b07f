/** RFC 7693, 2.6: the same constants as SHA-512's. */
const IV = [
  0x6a09e667f3bcc908n,
  0xbb67ae8584caa73bn,
  0x3c6ef372fe94f82bn,
  0xa54ff53a5f1d36f1n,
  0x510e527fade682d1n,
  0x9b05688c2b3e6c1fn,
  0x1f83d9abfb41bd6bn,
  0x5be0cd19137e2179n,
] as const;

/** RFC 7693, 2.7: the order in which each round takes the words of the message, one hexadecimal digit a word. */
const SIGMA = [
  "0123456789abcdef",
  "ea489fd61c02b753",
  "b8c052fdae367194",
  "7931dcbe265a40f8",
  "905724afe1bc683d",
  "2c6a0b834d75fe19",
  "c51fed4a0763928b",
  "db7ec13950f4862a",
  "6fe9b308c2d714a5",
  "a2847615fb9e3cd0",
].map((row) => [...row].map((digit) => Number.parseInt(digit, 16)));

/** The words that each of the eight mixings of a round works on: four columns, then four diagonals. */
const MIXINGS = [
  [0, 4, 8, 12],
  [1, 5, 9, 13],
  [2, 6, 10, 14],
  [3, 7, 11, 15],
  [0, 5, 10, 15],
  [1, 6, 11, 12],
  [2, 7, 8, 13],
  [3, 4, 9, 14],
] as const;

const ROUNDS = 12;
const BLOCK = 128;

/**
 * BLAKE2b (RFC 7693) without a key, of a digest of 1 to 64 bytes. For a few hundred bytes at most: `createHash()` does
 * the same a thousand times faster, but only for digests of 64 bytes where the runtime is Node.js.
 */
export function blake2b(content: Uint8Array, digestLength: number): Buffer {
  const state = BigUint64Array.from(IV);
  state[0] = (state[0] ?? 0n) ^ 0x01010000n ^ BigInt(digestLength);
  const blocks = Math.max(1, Math.ceil(content.length / BLOCK));
  for (let block = 0; block < blocks; block++) {
    const part = Buffer.alloc(BLOCK);
    part.set(content.subarray(block * BLOCK, (block + 1) * BLOCK));
    compress(state, part, Math.min(content.length, (block + 1) * BLOCK), block === blocks - 1);
  }
  const digest = Buffer.alloc(64);
  for (const [i, word] of state.entries()) digest.writeBigUInt64LE(word, 8 * i);
  return digest.subarray(0, digestLength);
}

/** RFC 7693, 3.2: takes one block of 128 bytes into the state; `total` counts the bytes until its end. */
function compress(state: BigUint64Array, block: Buffer, total: number, last: boolean): void {
  const message = BigUint64Array.from({ length: 16 }, (_, i) => block.readBigUInt64LE(8 * i));
  const work = BigUint64Array.from([...state, ...IV]);
  const at = (index: number) => work[index] ?? 0n;
  work[12] = at(12) ^ BigInt(total);
  if (last) work[14] = ~at(14);
  for (let round = 0; round < ROUNDS; round++) {
    const order = SIGMA[round % SIGMA.length] ?? [];
    for (const [i, [a, b, c, d]] of MIXINGS.entries()) {
      const x = message[order[2 * i] ?? 0] ?? 0n;
      const y = message[order[2 * i + 1] ?? 0] ?? 0n;
      // an element of the array keeps the lowest 64 bits of what it is given
      work[a] = at(a) + at(b) + x;
      work[d] = rotated(at(d) ^ at(a), 32n);
      work[c] = at(c) + at(d);
      work[b] = rotated(at(b) ^ at(c), 24n);
      work[a] = at(a) + at(b) + y;
      work[d] = rotated(at(d) ^ at(a), 16n);
      work[c] = at(c) + at(d);
      work[b] = rotated(at(b) ^ at(c), 63n);
    }
  }
  for (const [i, word] of state.entries()) state[i] = word ^ at(i) ^ at(i + 8);
}

/** A word of 64 bits rotated to the right; what lies above them is dropped by who stores it. */
function rotated(word: bigint, bits: bigint): bigint {
  return (word >> bits) | (word << (64n - bits));
}
