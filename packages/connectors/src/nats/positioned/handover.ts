import type { ConnectorError } from '../../contract.js';
import type { RateLimit } from '../rate-limit.js';
import type { Backlog, BacklogItem } from './backlog.js';

export interface HandoverOptions {
  /** Items handed over together at most. */
  readonly batchSize: number;
  /** How long a batch that is not full waits for more. */
  readonly batchTimeoutMs: number;
  /** Undefined: as fast as they are taken. */
  readonly limit: RateLimit | undefined;
}

/** Hands over what is in a backlog, when it is time for it: to one that asks, and asks again only when it was answered. */
export class Handover<T extends BacklogItem> {
  /** Monotonic milliseconds of when the first item came that waits for a full batch. */
  #gatheringMs: number | undefined;
  #ended = false;
  #error: ConnectorError | undefined;
  #wake: (() => void) | undefined;
  #waking = false;

  constructor(
    readonly backlog: Backlog<T>,
    readonly options: HandoverOptions,
  ) {}

  /** The next items, never none; undefined at the end. Throws the error that `fail` was given. */
  async next(): Promise<T[] | undefined> {
    for (;;) {
      const nowMs = performance.now();
      const pauseMs = this.#pauseMs(nowMs);
      if (pauseMs === 0) {
        const items = this.#take(nowMs);
        if (items.length > 0) return items;
        if (this.#error) throw this.#error;
        if (this.#ended) return undefined;
      }
      await this.#untilWoken(pauseMs);
    }
  }

  /** Something new is in the backlog. */
  added(): void {
    this.#gatheringMs ??= performance.now();
    if (this.#wake) this.#wakeSoon();
  }

  /** Something in the backlog is to be handed over again. */
  putBack(): void {
    this.#wakeSoon();
  }

  /** Nothing more comes; what is new is still handed over. */
  end(): void {
    this.#ended = true;
    this.backlog.forgetAgain();
    this.#wakeSoon();
  }

  /** What is here is still handed over. */
  fail(error: ConnectorError): void {
    this.#error ??= error;
    this.#wakeSoon();
  }

  #take(nowMs: number): T[] {
    const { batchSize, limit } = this.options;
    const items = this.backlog.take(limit ? Math.min(batchSize, limit.allowed(nowMs)) : batchSize, nowMs);
    limit?.spend(items.length);
    this.#gatheringMs = this.backlog.fresh > 0 ? nowMs : undefined;
    return items;
  }

  /** Milliseconds until something may be handed over; 0 for now, undefined until something happens. */
  #pauseMs(nowMs: number): number | undefined {
    const { batchSize, batchTimeoutMs, limit } = this.options;
    const { fresh, again, inOrder, nextDueMs } = this.backlog;
    const isOver = this.#ended || this.#error !== undefined;
    let pauseMs = nextDueMs === undefined ? undefined : Math.max(0, nextDueMs - nowMs);
    if (fresh > 0 && !(inOrder && again > 0)) {
      const isFull = isOver || fresh >= batchSize;
      const gatherMs = isFull ? 0 : Math.max(0, (this.#gatheringMs ?? nowMs) + batchTimeoutMs - nowMs);
      pauseMs = Math.min(pauseMs ?? gatherMs, gatherMs);
    } else if (isOver) return 0;
    if (pauseMs === 0 && limit && limit.allowed(nowMs) < 1) return limit.waitMs;
    return pauseMs;
  }

  async #untilWoken(pauseMs: number | undefined): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = pauseMs === undefined ? undefined : setTimeout(resolve, Math.ceil(pauseMs));
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.#wake = undefined;
  }

  /** Everything that one chunk of the socket brings is handed over together. */
  #wakeSoon(): void {
    if (this.#waking) return;
    this.#waking = true;
    queueMicrotask(() => {
      this.#waking = false;
      this.#wake?.();
    });
  }
}
