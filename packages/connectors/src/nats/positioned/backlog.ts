/** What the backlog has to know of a message, and notes on it. */
export interface BacklogItem {
  /** Of the stream; each item's is higher than that of the one added before. */
  readonly sequence: number;
  /** What it takes in memory, about. */
  readonly bytes: number;
  delivered: number;
  settled: boolean;
  /** Monotonic milliseconds of when somebody last worked on it; undefined while it waits to be handed over. */
  workedOnMs: number | undefined;
  /** Monotonic milliseconds of when it is to be handed over again, while it waits for that. */
  dueMs: number;
}

/** Settled items are let go of when there are that many among the others, or that much of them. */
const settledKeptMax = 256;
const settledBytesMax = 1024 * 1024;

/**
 * What was received and is not settled, in the order of the stream: new, handed over, or to be handed over again. `inOrder`: while something waits to be
 * handed over again, nothing behind it is handed over.
 */
export class Backlog<T extends BacklogItem> {
  /** In the order of the stream; settled ones are taken out from time to time. */
  #all: T[] = [];
  #settledAmong = 0;
  #settledBytes = 0;
  #bytes = 0;
  /** Those of `#all` before here are settled. */
  #head = 0;
  #fresh: T[] = [];
  #freshHead = 0;
  /** By sequence. */
  #again: T[] = [];
  #newest = 0;

  constructor(readonly inOrder: boolean) {}

  /** Everything up to this sequence was settled before. */
  startAfter(sequence: number): void {
    this.#newest = sequence;
  }

  /** Items that are not settled. */
  get size(): number {
    return this.#all.length - this.#settledAmong;
  }

  /** Of the items that are not settled. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Items that wait to be handed over for the first time. */
  get fresh(): number {
    return this.#fresh.length - this.#freshHead;
  }

  /** Items that wait to be handed over again. */
  get again(): number {
    return this.#again.length;
  }

  /** Sequence up to which everything is settled: nothing of it needs to be read again. */
  get settledUntil(): number {
    while (this.#all[this.#head]?.settled) this.#head++;
    const oldest = this.#all[this.#head];
    return oldest ? oldest.sequence - 1 : this.#newest;
  }

  add(item: T): void {
    this.#newest = item.sequence;
    this.#bytes += item.bytes;
    this.#all.push(item);
    this.#fresh.push(item);
  }

  /** The next items to hand over, `max` at most: those that are due again, then new ones. */
  take(max: number, nowMs: number): T[] {
    const again = this.#takeAgain(max, nowMs);
    const items = this.inOrder && this.#again.length > 0 ? again : [...again, ...this.#takeFresh(max - again.length)];
    for (const item of items) item.workedOnMs = nowMs;
    return items;
  }

  /** Monotonic milliseconds of when an item is to be handed over again that `take` would not give yet; undefined where there is none. */
  get nextDueMs(): number | undefined {
    if (this.inOrder) return this.#again[0]?.dueMs;
    return this.#again.reduce<number | undefined>((next, { dueMs }) => Math.min(next ?? dueMs, dueMs), undefined);
  }

  settle(item: T): void {
    if (item.settled) return;
    item.settled = true;
    this.#bytes -= item.bytes;
    this.#settledAmong++;
    this.#settledBytes += item.bytes;
    const isMany = this.#settledAmong >= settledKeptMax && this.#settledAmong >= this.#all.length / 2;
    const isMuch = this.#settledBytes >= Math.max(settledBytesMax, this.#bytes);
    if (!isMany && !isMuch) return;
    this.#all = this.#all.filter(({ settled }) => !settled);
    this.#head = 0;
    this.#settledAmong = 0;
    this.#settledBytes = 0;
  }

  /** The item, which was handed over, is to be handed over again at `dueMs`. */
  putBack(item: T, dueMs: number): void {
    if (item.settled || item.workedOnMs === undefined) return;
    item.workedOnMs = undefined;
    item.delivered++;
    item.dueMs = dueMs;
    let at = this.#again.length;
    while (at > 0 && (this.#again[at - 1]?.sequence ?? 0) > item.sequence) at--;
    this.#again.splice(at, 0, item);
  }

  /** Items that were handed over, and that nobody has worked on since `beforeMs`. */
  abandoned(beforeMs: number): T[] {
    return this.#all.filter(({ settled, workedOnMs }) => !settled && workedOnMs !== undefined && workedOnMs < beforeMs);
  }

  /** Drops what waits to be handed over again, and what may not be handed over before it: it was not settled. */
  forgetAgain(): void {
    if (this.inOrder && this.#again.length > 0) {
      this.#fresh = [];
      this.#freshHead = 0;
    }
    this.#again = [];
  }

  #takeAgain(max: number, nowMs: number): T[] {
    if (this.#again.length === 0) return [];
    const due: T[] = [];
    const later: T[] = [];
    for (const item of this.#again) {
      // Whoever held it did settle it after all.
      if (item.settled) continue;
      const isDue = item.dueMs <= nowMs && due.length < max && !(this.inOrder && later.length > 0);
      (isDue ? due : later).push(item);
    }
    this.#again = later;
    return due;
  }

  #takeFresh(max: number): T[] {
    if (this.#freshHead === 0 && this.#fresh.length <= max) {
      const items = this.#fresh;
      this.#fresh = [];
      return items;
    }
    const items = this.#fresh.slice(this.#freshHead, this.#freshHead + max);
    this.#freshHead += items.length;
    if (this.#freshHead === this.#fresh.length) {
      this.#fresh = [];
      this.#freshHead = 0;
    }
    return items;
  }
}
