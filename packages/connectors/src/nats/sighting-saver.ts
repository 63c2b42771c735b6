import type { PositionStore } from '../contract.js';
import { within } from '../within.js';
import type { ReadPosition } from './read-position.js';

/** What the end of a reader waits for a store that is away. */
const lastSaveTimeoutMs = 1000;

/**
 * Saves how far a durable was seen to have come, one position at a time. It is a help and no promise: what a store does not take costs deliveries that are not needed, should the durable be
 * deleted with this process, and the next position may be taken.
 */
export class SightingSaver {
  #saving: Promise<void> | undefined;

  constructor(
    readonly store: Pick<PositionStore, 'save'>,
    readonly source: string,
  ) {}

  note(position: ReadPosition): void {
    this.#saving ??= this.#save(position).finally(() => {
      this.#saving = undefined;
    });
  }

  /** The last one; undefined where none was seen. */
  async end(position: ReadPosition | undefined): Promise<void> {
    if (position)
      await within(
        lastSaveTimeoutMs,
        Promise.resolve(this.#saving).then(() => this.#save(position)),
      );
  }

  #save({ incarnation, sequence }: ReadPosition): Promise<void> {
    return this.store.save({ source: this.source, incarnation, sequence, currentUntil: 0 }).catch(() => undefined);
  }
}
