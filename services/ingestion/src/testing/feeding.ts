import { setTimeout as wait } from 'node:timers/promises';
import type { IngestionMesh } from './ingestion-mesh.js';

const step = 20;
const slowPauseMs = 40;

/** Numbers that are published from 0 on until somebody has seen enough: as fast as they are stored, so that something is always under way. */
export class Feeding {
  #count = 0;
  #isSlow = false;
  #isOver = false;
  readonly #done: Promise<void>;

  constructor(
    readonly mesh: IngestionMesh,
    readonly subject: string,
  ) {
    this.#done = this.#feed();
    // Who stops it is told; a test that fails before that says itself why.
    this.#done.catch(() => undefined);
  }

  async #feed(): Promise<void> {
    for (; !this.#isOver; this.#count += step) {
      await this.mesh.feed(this.subject, this.#count, this.#count + step);
      if (this.#isSlow) await wait(slowPauseMs);
    }
  }

  /** From now on a few at a time, while a test waits for something that takes seconds whatever comes. */
  slowDown(): void {
    this.#isSlow = true;
  }

  /** Ends it, and gives how many they are. */
  async stop(): Promise<number> {
    this.#isOver = true;
    await this.#done;
    return this.#count;
  }
}
