import { type Position, type PositionStore, PositionTaken } from '../index.js';

/** Where readers go on after each other, in memory: the last that loaded and saved is the one. */
export class MemoryPositions {
  position: Position | undefined;
  saves = 0;
  #revision = 0;

  /** For the next reader. */
  store(): PositionStore {
    let known = -1;
    return {
      load: async () => {
        known = this.#revision;
        return this.position;
      },
      save: async (position) => {
        if (known !== this.#revision) throw new PositionTaken('another reader has taken over');
        known = ++this.#revision;
        this.saves++;
        this.position = position;
      },
    };
  }
}
