import type { OutputMessage, Settle } from '../contract.js';
import { NumberMap } from '../number-map.js';
import { Lane, type Pending } from './lane.js';

/** At most: messages, and bytes of their payloads and headers, which a retry needs again. */
const pendingMax = 4096;
const pendingBytesMax = 16 * 1024 * 1024;

/** A message that was published, and how its publisher is told of it. */
export interface Published {
  /** In the subject of its reply. */
  readonly number: number;
  readonly message: OutputMessage;
  readonly settled: Settle | undefined;
  /** Who may withdraw it. */
  readonly publisher: object | undefined;
}

/**
 * What was published to streams and is not settled: found by the number of its reply or in the lane of its subject, and bounded, for which publishers wait. Beyond the bounds it takes what comes all the
 * same.
 */
export class InFlight {
  /** By number. */
  readonly #pending = new NumberMap<Pending>();
  /** By subject, of those of which something is pending. */
  readonly #lanes = new Map<string, Lane>();
  #bytes = 0;
  #next = 0;
  #waiting: { promise: Promise<void>; resolve: () => void } | undefined;
  /** Who waits for everything before a place, of which so many messages are left. */
  #confirming: { readonly before: number; left: number; readonly resolve: () => void }[] = [];

  get size(): number {
    return this.#pending.size;
  }

  get(number: number): Pending | undefined {
    return this.#pending.get(number);
  }

  /** Another one may have its number since. */
  has(pending: Pending): boolean {
    return this.#pending.get(pending.number) === pending;
  }

  /** In no order. */
  values(): Pending[] {
    return this.#pending.values();
  }

  /** In the order of their publishing. */
  inOrder(): Pending[] {
    return this.#pending.values().sort((a, b) => a.place - b.place);
  }

  /** Undefined where nothing of the subject is pending. */
  lane(subject: string): Lane | undefined {
    return this.#lanes.get(subject);
  }

  lanes(): Iterable<Lane> {
    return this.#lanes.values();
  }

  /** Behind all that are here; its number is none of theirs. It is held until its sender says otherwise. */
  add({ number, message, settled, publisher }: Published): Pending {
    const { subject } = message;
    let lane = this.#lanes.get(subject);
    if (!lane) {
      lane = new Lane(subject);
      this.#lanes.set(subject, lane);
    }
    const bytes = message.data.length + message.headers.encode().length;
    const pending: Pending = {
      number,
      place: this.#next++,
      message,
      lane,
      settled,
      publisher,
      bytes,
      state: 'held',
      dueMs: 0,
      publishedMs: performance.now(),
      timesSent: 0,
      inFront: undefined,
      behind: undefined,
    };
    lane.add(pending);
    this.#pending.set(number, pending);
    this.#bytes += bytes;
    return pending;
  }

  /** Whether it was here: it is settled, and who waited for that goes on. */
  remove(pending: Pending): boolean {
    if (!this.has(pending)) return false;
    const { number, lane, bytes, place } = pending;
    this.#pending.delete(number);
    this.#bytes -= bytes;
    lane.remove(pending);
    if (lane.isEmpty) this.#lanes.delete(lane.subject);
    if (this.#waiting && this.#pending.size < pendingMax / 2 && this.#bytes < pendingBytesMax / 2) {
      this.#waiting.resolve();
      this.#waiting = undefined;
    }
    if (this.#confirming.length > 0) this.#countDown(place);
    return true;
  }

  /** Lets go of all, in the order of their publishing. */
  clear(): Pending[] {
    const left = this.inOrder();
    this.#pending.clear();
    this.#bytes = 0;
    this.#lanes.clear();
    for (const { resolve } of this.#confirming.splice(0)) resolve();
    return left;
  }

  /** Resolves when there is room for more; undefined means now. */
  ready(): Promise<void> | undefined {
    if (this.#pending.size < pendingMax && this.#bytes < pendingBytesMax) return undefined;
    if (!this.#waiting) {
      let resolve: () => void = () => undefined;
      const promise = new Promise<void>((done) => {
        resolve = done;
      });
      this.#waiting = { promise, resolve };
    }
    return this.#waiting.promise;
  }

  /** Resolves when all that is here now is settled. */
  confirmed(): Promise<void> {
    if (this.#pending.size === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#confirming.push({ before: this.#next, left: this.#pending.size, resolve });
    });
  }

  #countDown(place: number): void {
    for (const waiting of this.#confirming) {
      if (place < waiting.before && --waiting.left === 0) waiting.resolve();
    }
    this.#confirming = this.#confirming.filter(({ left }) => left > 0);
  }
}
