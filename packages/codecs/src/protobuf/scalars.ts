/** How the decoder gives an integer of 64 bits: two halves, signed each. */
export interface Long {
  readonly high: number;
  readonly low: number;
  readonly unsigned: boolean;
}

/** An integer of 64 bits: a number while that is exact, else a bigint, as from JSON. */
export function integer(value: Long | number): number | bigint {
  if (typeof value === 'number') return value;
  const { high, low, unsigned } = value;
  const top = unsigned ? high >>> 0 : high;
  // 53 bits hold the number where its upper half has 21, sign included.
  if (top >= -0x200000 + 1 && top < 0x200000) return top * 0x1_0000_0000 + (low >>> 0);
  return (BigInt(top) << 32n) | BigInt(low >>> 0);
}

/** NaN and the infinities are texts, since JSON has no numbers for them. */
export const double = (value: number): number | string => (Number.isFinite(value) ? value : String(value));

/** The shortest number that is this one among the floats of 32 bits: 0.1 rather than 0.10000000149011612. */
export function shortestFloat(value: number): number {
  if (Number.isInteger(value) || !Number.isFinite(value)) return value;
  for (let digits = 6; digits < 9; digits++) {
    const shorter = Number(value.toPrecision(digits));
    if (Math.fround(shorter) === value) return shorter;
  }
  return Number(value.toPrecision(9));
}

/** Bytes that a message leaves out are an empty list by default. */
export const base64 = (bytes: Uint8Array): string =>
  bytes.length === 0 ? '' : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');
