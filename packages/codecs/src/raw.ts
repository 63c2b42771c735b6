import type { Codec } from './codec.js';

/** The bytes as they came. */
export const rawCodec: Codec = { decode: (data) => data };
