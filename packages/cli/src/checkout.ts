import { resolve } from 'node:path';

/** The folder that this command belongs to; sources and what is built from them lie equally deep in it. */
export const checkout = resolve(import.meta.dirname, '..', '..', '..');
