import type { ConnectorError } from '../contract.js';

/** Messages handed over together at most, so that a loop that works on them comes back to its timers. */
const batchMax = 1024;

/**
 * Collects what a socket delivers into batches: everything that one chunk brought is handed over together once the
 * chunk is read, which costs one promise for all of it and no waiting.
 */
export class Batching<T> {
  #items: T[] = [];
  #waiting: { resolve(items: T[] | undefined): void; reject(error: unknown): void } | undefined;
  #scheduled = false;
  #ended = false;
  #error: ConnectorError | undefined;

  get size(): number {
    return this.#items.length;
  }

  /** What is not handed over yet, oldest first. */
  waiting(): readonly T[] {
    return this.#items;
  }

  push(item: T): void {
    this.#items.push(item);
    if (this.#waiting && !this.#scheduled) this.#schedule();
  }

  /** The next items, never none; undefined at the end. Throws the error that `fail` was given. */
  next(): Promise<T[] | undefined> {
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
      if (this.#items.length > 0 || this.#ended || this.#error) this.#schedule();
    });
  }

  /** Nothing more comes; what is here is still handed over. */
  end(): void {
    this.#ended = true;
    this.#schedule();
  }

  fail(error: ConnectorError): void {
    this.#error ??= error;
    this.#schedule();
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => this.#handOver());
  }

  #handOver(): void {
    this.#scheduled = false;
    const waiting = this.#waiting;
    if (!waiting) return;
    if (this.#items.length > 0) {
      this.#waiting = undefined;
      waiting.resolve(this.#items.length > batchMax ? this.#items.splice(0, batchMax) : this.#takeAll());
    } else if (this.#error) {
      this.#waiting = undefined;
      waiting.reject(this.#error);
    } else if (this.#ended) {
      this.#waiting = undefined;
      waiting.resolve(undefined);
    }
  }

  #takeAll(): T[] {
    const items = this.#items;
    this.#items = [];
    return items;
  }
}
