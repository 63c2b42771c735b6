const bits53 = (1n << 53n) - 1n;
const offsetBasis = 0xcbf29ce484222325n;
const prime = 0x100000001b3n;
const bits64 = (1n << 64n) - 1n;

/**
 * HASH(x): the upper 53 bits of the 64-bit FNV-1a hash (http://www.isthe.com/chongo/tech/comp/fnv/) of the text's UTF-8 bytes, mixed by MurmurHash3's
 * finalizer so that every bit of the result depends on every byte. Stable for ever; from 0 to 2^53 - 1.
 */
export function hashText(text: string): number {
  let hash = offsetBasis;
  for (const byte of new TextEncoder().encode(text)) hash = ((hash ^ BigInt(byte)) * prime) & bits64;
  hash ^= hash >> 33n;
  hash = (hash * 0xff51afd7ed558ccdn) & bits64;
  hash ^= hash >> 33n;
  hash = (hash * 0xc4ceb9fe1a85ec53n) & bits64;
  hash ^= hash >> 33n;
  return Number((hash >> 11n) & bits53);
}
