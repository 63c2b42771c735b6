import type { ConnectorError } from '../contract.js';

export interface BatchLimits {
  /** Messages handed over together at most, so that whoever works on them can look up in between. */
  readonly size: number;
  /** How long a batch that is not full waits for more after its first message; 0 hands over what there is. */
  readonly timeoutMs: number;
}

/**
 * Collects what a socket delivers into batches: everything that one chunk brought is handed over together as soon as the
 * chunk is parsed, which costs one promise for all of it. Handing over later would be dear: the next chunks would come in the meantime, and
 * messages that live longer than it takes to process them are copied by every garbage collection.
 * With a timeout a batch is handed over when it is full or that old: one timer for each, and what that costs is the user's choice.
 */
export class Batching<T> {
  #items: T[] = [];
  #waiting: { resolve(items: T[] | undefined): void; reject(error: unknown): void } | undefined;
  #scheduled = false;
  #ended = false;
  #error: ConnectorError | undefined;
  readonly #batchMax: number;
  /** 0 once nothing more comes. */
  #timeoutMs: number;
  /** What is here is not waited for any longer; always without a timeout. */
  #due: boolean;
  #timer: NodeJS.Timeout | undefined;

  constructor({ size, timeoutMs }: BatchLimits) {
    this.#batchMax = size;
    this.#timeoutMs = timeoutMs;
    this.#due = timeoutMs === 0;
  }

  get size(): number {
    return this.#items.length;
  }

  /** What is not handed over yet, oldest first. */
  waiting(): readonly T[] {
    return this.#items;
  }

  push(item: T): void {
    this.#items.push(item);
    if (!this.#due) this.#gather();
    if (this.#waiting && this.#due) this.#schedule();
  }

  /** The next items, never none; undefined at the end. Throws the error that `fail` was given. */
  async next(): Promise<T[] | undefined> {
    if (this.#items.length > 0 && this.#due) return this.#take();
    if (this.#error) throw this.#error;
    if (this.#ended) return undefined;
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
    });
  }

  /** Nothing more comes; what is here is still handed over. */
  end(): void {
    this.#ended = true;
    this.#stopGathering();
    this.#schedule();
  }

  fail(error: ConnectorError): void {
    this.#error ??= error;
    this.#stopGathering();
    this.#schedule();
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    queueMicrotask(() => this.#handOver());
  }

  #handOver(): void {
    this.#scheduled = false;
    const waiting = this.#waiting;
    if (!waiting) return;
    this.#waiting = undefined;
    if (this.#items.length > 0) waiting.resolve(this.#take());
    else if (this.#error) waiting.reject(this.#error);
    else waiting.resolve(undefined);
  }

  #take(): T[] {
    const rest = this.#items.length - this.#batchMax;
    const items = rest > 0 ? this.#items.splice(0, this.#batchMax) : this.#items;
    if (rest <= 0) this.#items = [];
    if (this.#timeoutMs > 0) {
      this.#due = false;
      if (rest > 0) this.#gather();
    }
    return items;
  }

  /** Waits for more: a batch that has begun falls due when it is full, or by its timer. */
  #gather(): void {
    if (this.#items.length >= this.#batchMax) this.#fallDue();
    else this.#timer ??= setTimeout(() => this.#fallDue(), this.#timeoutMs);
  }

  #fallDue(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#due = true;
    if (this.#waiting) this.#schedule();
  }

  #stopGathering(): void {
    this.#timeoutMs = 0;
    this.#fallDue();
  }
}
