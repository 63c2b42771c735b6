import { isSafeNumber } from 'lossless-json';

/** A number as JSON writes it: a bigint where it is an integer beyond 2^53, else a double. */
export const exactNumber = (digits: string): number | bigint =>
  /^-?\d+$/.test(digits) && !isSafeNumber(digits) ? BigInt(digits) : Number(digits);
