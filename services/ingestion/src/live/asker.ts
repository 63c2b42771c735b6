import { setTimeout as delay } from 'node:timers/promises';
import { laminar } from '@laminar/protocol';
import { type NatsConnection, TimeoutError } from '@nats-io/nats-core';

const { LiveAnswer, LiveEvent } = laminar.v1;

export type Event = laminar.v1.LiveEvent.$Properties;

/** Whoever does not answer an event for that long, and not the next one either, is gone. */
const answerTimeoutMs = 5000;
/** How often an asker who has enough for now is asked whether there may be more. */
const waitIntervalMs = 100;
/** How often an asker hears that there is nothing new, which is also how soon it is noticed that nobody listens. */
const idleIntervalMs = 500;
/** Of the rows of one event, as far as the bus carries that much; a larger row goes in pieces. */
const eventBytesMax = 256 * 1024;
/** Kept free of what a message of the bus may hold, for the frame around rows. */
const frameBytesMax = 1024;
/** What waits for the asker before nothing more is read for it. */
const waitingBytesMax = 2 * eventBytesMax;
/** What a message that cannot be read counts for among what waits. */
const failedBytes = 256;

/** A message that could not be decoded or evaluated. */
export type FailedMessage = laminar.v1.LiveFailed.$Properties;

/**
 * Who asked a live query, on an inbox of the mesh's bus. It is told one event at a time, each but the last a request whose answer says whether the next is wanted: rows go no faster than
 * they are taken, and whoever does not listen any more is noticed.
 */
export class Asker {
  readonly #gone = new AbortController();
  /** Rows, and messages that gave none, oldest first. */
  #items: (Uint8Array | FailedMessage)[] = [];
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
    this.#items.push(text);
    this.#waitingBytes += text.length;
    this.#wake();
  }

  failed(message: FailedMessage): void {
    this.#items.push(message);
    this.#waitingBytes += failedBytes;
    this.#wake();
  }

  /** Resolves when more rows can be taken; undefined means now. */
  ready(): Promise<void> | undefined {
    if (this.#hasRoom || this.gone.aborted) return undefined;
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
      // Nobody listens there any more, or the bus is away: either way there is nobody to be told.
      this.#gone.abort();
      this.#madeRoom();
    }
  }

  get #hasRoom(): boolean {
    return this.#waitingBytes < waitingBytesMax;
  }

  #hasNews(): boolean {
    return this.#opened || this.#items.length > 0 || this.#last !== undefined;
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
    const [item] = this.#items;
    if (item instanceof Uint8Array) return { rows: this.#takeRows() };
    if (!item) return this.#last ?? { idle: {} };
    this.#items.shift();
    this.#waitingBytes -= failedBytes;
    return { failed: item };
  }

  #takeRows(): laminar.v1.LiveRows.$Properties {
    const bytesMax = Math.min(eventBytesMax, (this.nc.info?.max_payload ?? eventBytesMax) - frameBytesMax);
    const rows: Uint8Array[] = [];
    let bytes = 0;
    let unfinished = false;
    for (const item of this.#items) {
      if (!(item instanceof Uint8Array) || (rows.length > 0 && bytes + item.length > bytesMax)) break;
      unfinished = item.length > bytesMax;
      rows.push(unfinished ? item.subarray(0, bytesMax) : item);
      bytes += Math.min(item.length, bytesMax);
      if (unfinished) this.#items[0] = item.subarray(bytesMax);
      if (bytes >= bytesMax) break;
    }
    this.#waitingBytes -= bytes;
    this.#items.splice(0, unfinished ? 0 : rows.length);
    return { rows, unfinished };
  }

  /** Resolves when the next event is wanted. */
  async #tell(event: Event): Promise<void> {
    for (let wants = await this.#ask(event); wants !== LiveAnswer.What.WHAT_NEXT; ) {
      if (wants === LiveAnswer.What.WHAT_END) throw new Error('the asker wants no more');
      await delay(waitIntervalMs);
      wants = await this.#ask({ idle: {} });
    }
    if (this.#hasRoom) this.#madeRoom();
  }

  async #ask(event: Event): Promise<laminar.v1.LiveAnswer.What> {
    const ask = (event: Event) =>
      this.nc.request(this.inbox, LiveEvent.encode(event).finish(), { timeout: answerTimeoutMs });
    const { data } = await ask(event).catch((error) => {
      if (!(error instanceof TimeoutError)) throw error;
      // One of both may not have got to run. Events come in order: who answers this one has the other.
      return ask({ idle: {} });
    });
    return LiveAnswer.decode(data).what;
  }
}
