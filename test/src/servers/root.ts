import { resolve } from 'node:path';

/** The checkout; sources and what is built from them lie equally deep in it. */
export const root = resolve(import.meta.dirname, '..', '..', '..');
