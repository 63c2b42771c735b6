import { laminar } from '@laminar/protocol';
import type { NatsConnection } from '@nats-io/nats-core';

const { LiveEvent } = laminar.v1;

export type Event = laminar.v1.LiveEvent.$Properties;

/** Whoever does not take an event for that long is gone. */
const answerTimeoutMs = 5000;
/** How often an asker hears that there is nothing new, which is also how soon it is noticed that nobody listens. */
const idleIntervalMs = 500;
/** Rows of one event. */
const eventBytesMax = 256 * 1024;
/** What waits for the asker before nothing more is read for it. */
const waitingBytesMax = 2 * eventBytesMax;

/**
 * Who asked a live query, on an inbox of the mesh's bus. It is told one event at a time, each but the last a request whose answer asks for the next: rows go no faster than they are
 * taken, and whoever does not listen any more is noticed.
 */
export class Asker {
  readonly #gone = new AbortController();
  #rows: Uint8Array[] = [];
  #waitingBytes = 0;
  #opened = false;
  #last: Event | undefined;
  /** Ends the wait for something to tell. */
  #wake: () => void = () => undefined;
  #madeRoom: () => void = () => undefined;
  readonly #telling: Promise<void>;

  constructor(
    readonly nc: NatsConnection,
    readonly inbox: string,
  ) {
    this.#telling = this.#tellAll();
  }

  /** Aborted once nobody listens any more. */
  get gone(): AbortSignal {
    return this.#gone.signal;
  }

  opened(): void {
    this.#opened = true;
    this.#wake();
  }

  /** Adds a row, the text of a JSON array. */
  row(text: Uint8Array): void {
    this.#rows.push(text);
    this.#waitingBytes += text.length;
    this.#wake();
  }

  /** Resolves when more rows can be taken; undefined means now. */
  ready(): Promise<void> | undefined {
    if (this.#waitingBytes < waitingBytesMax || this.gone.aborted) return undefined;
    return new Promise((resolve) => {
      this.#madeRoom = resolve;
    });
  }

  /** Tells what is left, and the last event behind it. Resolves when it was told, or nobody listens. */
  async end(last: Event): Promise<void> {
    this.#last = last;
    this.#wake();
    await this.#telling;
  }

  async #tellAll(): Promise<void> {
    try {
      for (;;) {
        if (!this.#hasNews()) await this.#news();
        const event = this.#next();
        if (event === this.#last) return this.nc.publish(this.inbox, LiveEvent.encode(event).finish());
        await this.#tell(event);
      }
    } catch {
      // Nobody listens there, or the bus is away: either way there is nobody to be told.
      this.#gone.abort();
      this.#madeRoom();
    }
  }

  #hasNews(): boolean {
    return this.#opened || this.#rows.length > 0 || this.#last !== undefined;
  }

  async #news(): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, idleIntervalMs);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  #next(): Event {
    if (this.#opened) {
      this.#opened = false;
      return { opened: {} };
    }
    if (this.#rows.length > 0) return { rows: { rows: this.#takeRows() } };
    return this.#last ?? { idle: {} };
  }

  #takeRows(): Uint8Array[] {
    let count = 0;
    let bytes = 0;
    for (const { length } of this.#rows) {
      if (count > 0 && bytes + length > eventBytesMax) break;
      count++;
      bytes += length;
    }
    this.#waitingBytes -= bytes;
    return this.#rows.splice(0, count);
  }

  async #tell(event: Event): Promise<void> {
    await this.nc.request(this.inbox, LiveEvent.encode(event).finish(), { timeout: answerTimeoutMs });
    this.#madeRoom();
  }
}
