import { type Position, type PositionStore, PositionTaken } from '../../contract.js';
import { within } from '../../within.js';

/** A crash reads again what was settled since. */
const saveIntervalMs = 250;
/** What the end of a reader waits for a store that is away. */
const lastSaveTimeoutMs = 2000;

/** Saves a reader's position as it moves on, a few times a second and once more at the end. */
export class PositionKeeper {
  readonly #timer: NodeJS.Timeout;
  #saved: Position;
  #saving: Promise<void> | undefined;

  constructor(
    readonly store: PositionStore,
    /** The one that is stored. */
    position: Position,
    readonly current: () => Position,
    /** Another reader has taken over. */
    readonly onTaken: (error: PositionTaken) => void,
  ) {
    this.#saved = position;
    this.#timer = setInterval(() => void this.#save(), saveIntervalMs);
  }

  /** Saves for the last time. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await within(lastSaveTimeoutMs, this.#finish());
  }

  async #finish(): Promise<void> {
    await this.#saving;
    await this.#save();
  }

  #save(): Promise<void> {
    const position = this.current();
    if (this.#saving !== undefined) return this.#saving;
    if (position.sequence === this.#saved.sequence && position.currentUntil === this.#saved.currentUntil)
      return Promise.resolve();
    this.#saving = this.store
      .save(position)
      .then(
        () => {
          this.#saved = position;
        },
        (error: unknown) => {
          // While the store is away the next try may succeed; until then more is read again after a crash.
          if (error instanceof PositionTaken) this.onTaken(error);
        },
      )
      .finally(() => {
        this.#saving = undefined;
      });
    return this.#saving;
  }
}
