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
  #failing = false;

  constructor(
    readonly store: PositionStore,
    /** The one that is stored. */
    position: Position,
    readonly current: () => Position,
    readonly events: {
      /** Another reader has taken over. */
      onTaken(error: PositionTaken): void;
      /** The store does not take the position, while it is tried again and again. */
      onUnsaved(reason: string): void;
    },
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
          this.#failing = false;
        },
        (error: unknown) => {
          if (error instanceof PositionTaken) this.events.onTaken(error);
          // After a crash more than usual is read again.
          else if (!this.#failing) this.events.onUnsaved(error instanceof Error ? error.message : String(error));
          this.#failing = true;
        },
      )
      .finally(() => {
        this.#saving = undefined;
      });
    return this.#saving;
  }
}
