import { type ConsumerMessages, DeliverPolicy, type JsMsg, jetstream, jetstreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/nats-core';

const lookMs = 500;
/** Nothing came for so many looks although the stream holds more: the consumer is given up. */
const patience = 6;

/** Reads a stream from its first message on, as it grows; each message once and in order, however often the server goes away. */
export class Tail {
  /** The last sequence that was read; the stream's messages are never removed. */
  seen = 0;
  #stopped = false;
  #following: Promise<void> | undefined;

  constructor(
    readonly nc: NatsConnection,
    readonly stream: string,
    readonly onMessage: (message: JsMsg) => void,
  ) {}

  start(): void {
    this.#following = this.#follow();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#following;
  }

  /** Everything that the stream holds now is read. */
  async isAtEnd(): Promise<boolean> {
    const jsm = await jetstreamManager(this.nc, { checkAPI: false });
    return (await jsm.streams.info(this.stream)).state.last_seq === this.seen;
  }

  async #follow(): Promise<void> {
    while (!this.#stopped) {
      const messages = await this.#read().catch(() => undefined);
      if (messages) await this.#stuck();
      else await rest();
      // The server forgets it by itself where it cannot be told.
      messages?.close().catch(() => undefined);
    }
  }

  async #read(): Promise<ConsumerMessages> {
    const from = this.seen + 1;
    const consumer = await jetstream(this.nc).consumers.get(this.stream, {
      deliver_policy: DeliverPolicy.StartSequence,
      opt_start_seq: from,
    });
    return consumer.consume({
      max_messages: 2000,
      callback: (message) => {
        // Of a consumer that was given up, or after one that was lost.
        if (message.seq !== this.seen + 1 || this.#stopped) return;
        this.seen = message.seq;
        this.onMessage(message);
      },
    });
  }

  /** Resolves when the consumer does not bring what is there, or nothing is wanted any more. */
  async #stuck(): Promise<void> {
    let [before, looks] = [this.seen, 0];
    while (!this.#stopped && looks < patience) {
      await rest();
      const isIdle = this.seen === before && (await this.isAtEnd().catch(() => false)) === false;
      looks = isIdle ? looks + 1 : 0;
      before = this.seen;
    }
  }
}

const rest = () => new Promise((resolve) => setTimeout(resolve, lookMs));
