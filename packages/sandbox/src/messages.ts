import type { FunctionSource } from './function-source.js';
import type { CallOutcome } from './interpreter.js';

/** Calls of one function, to the thread. */
export interface CallChunk {
  readonly function: number;
  readonly source: FunctionSource;
  /** Each the JSON text of an array of arguments. */
  readonly requests: readonly string[];
}

/** What the first of them came to, from the thread; those that are missing were not begun. */
export type ChunkOutcome = readonly CallOutcome[];

/** What the thread is given when it starts. */
export interface WorkerData {
  /** One number that both see: how many calls of the chunk are done. */
  readonly done: SharedArrayBuffer;
}
