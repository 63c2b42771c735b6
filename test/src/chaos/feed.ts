import { createInbox, headers, type Msg, type NatsConnection } from '@nats-io/nats-core';
import type { Stored } from './ledger.js';
import type { Messages } from './messages.js';
import { inputSubject } from './pipelines.js';

const retryMs = 1000;

/** Stores the messages in the input stream, window by window: whatever happens to the server, each is stored once, by its message id. */
export class Feed {
  readonly #inbox = `${createInbox()}.`;
  readonly #waiting = new Set<number>();
  #windowStored: () => void = () => undefined;

  constructor(
    readonly nc: NatsConnection,
    readonly messages: Messages,
    readonly stored: Stored,
    /** Milliseconds of the campaign. */
    readonly now: () => number,
  ) {
    nc.subscribe(`${this.#inbox}*`, {
      callback: (error, message) => {
        if (!error) this.#take(message);
      },
    });
  }

  /** Resolves when the next `size` messages are stored. */
  async store(size: number): Promise<void> {
    const from = this.stored.count;
    const to = Math.min(from + size, this.messages.count);
    for (let n = from; n < to; n++) this.#waiting.add(n);
    const done = new Promise<void>((resolve) => {
      this.#windowStored = resolve;
    });
    this.#publish();
    const retry = setInterval(() => this.#publish(), retryMs);
    await done;
    clearInterval(retry);
    this.stored.count = to;
  }

  #publish(): void {
    for (const n of this.#waiting) {
      const id = headers();
      id.set('Nats-Msg-Id', String(n));
      this.nc.publish(inputSubject, this.messages.payload(n), { headers: id, reply: this.#inbox + n });
    }
  }

  #take(message: Msg): void {
    const n = Number(message.subject.slice(this.#inbox.length));
    if (!this.#waiting.has(n) || message.data.length === 0) return;
    const answer = message.json<{ seq?: number; error?: unknown }>();
    if (answer.error !== undefined || answer.seq === undefined) return;
    this.#waiting.delete(n);
    this.stored.sequences[n] = answer.seq;
    this.stored.atMs[n] = this.now();
    if (this.#waiting.size === 0) this.#windowStored();
  }
}
