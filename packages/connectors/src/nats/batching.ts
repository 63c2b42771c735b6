import type { ConnectorError } from '../contract.js';

/** Messages handed over together at most, so that whoever works on them can look up in between. */
const batchMax = 1024;

/**
 * Collects what a socket delivers into batches: everything that one chunk brought is handed over together as soon as the
 * chunk is parsed, which costs one promise for all of it. Handing over later would be dear: the next chunks would come in the meantime, and
 * messages that live longer than it takes to process them are copied by every garbage collection.
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
    if (this.#waiting) this.#schedule();
  }

  /** The next items, never none; undefined at the end. Throws the error that `fail` was given. */
  async next(): Promise<T[] | undefined> {
    if (this.#items.length > 0) return this.#take();
    if (this.#error) throw this.#error;
    if (this.#ended) return undefined;
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
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
    if (this.#items.length > batchMax) return this.#items.splice(0, batchMax);
    const items = this.#items;
    this.#items = [];
    return items;
  }
}
