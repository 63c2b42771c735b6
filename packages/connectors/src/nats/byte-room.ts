import { LargestOfLate } from './largest-of-late.js';

/** Of payloads that came and are not settled, as many bytes as a sink holds. */
const bytesMax = 16 * 1024 * 1024;

/**
 * How many messages a reader may have asked for, or be sent, by their size: what came and is not settled stays within 16 MiB, but for what was asked for or sent by then, and a message that is larger
 * by itself.
 */
export class ByteRoom {
  readonly #largest = new LargestOfLate();
  /** Of what waits to be read. */
  #waiting = 0;

  /** A payload of so many bytes came. */
  came(bytes: number): void {
    this.#waiting += bytes;
    this.#largest.note(bytes);
  }

  read(bytes: number): void {
    this.#waiting -= bytes;
  }

  /** Bytes of what waits to be read. */
  get waiting(): number {
    return this.#waiting;
  }

  /** Whether a server that sends by itself may go on, with so many bytes under way, and so many held back. */
  isLeft(underWay: number, heldBack: number): boolean {
    return Math.max(underWay, this.#waiting) + heldBack < bytesMax;
  }

  /**
   * How many more may be asked for beside those that were, with so many bytes under way: half of what there may be or none, so that not each message that is settled asks for
   * another one.
   */
  for(asked: number, underWay: number): number {
    const bytes = Math.max(underWay, this.#waiting);
    const most = Math.floor((bytesMax - bytes) / Math.max(1, this.#largest.bytes));
    // Where nothing is here a message may be larger than all that may be.
    return asked > most >> 1 ? 0 : Math.max(most, bytes === 0 ? 1 : 0) - asked;
  }
}
