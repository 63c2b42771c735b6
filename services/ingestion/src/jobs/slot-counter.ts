import type { ReaderCounters } from '@laminar/connectors';
import type { ConnectionCounters } from '../delivery/counters.js';

/** Adds what readers count, each from nought, to the counters of their connection, which go on. */
export class SlotCounter {
  #reader: ReaderCounters = { messages: 0, bytes: 0, dropped: 0 };
  #counted: ReaderCounters = { messages: 0, bytes: 0, dropped: 0 };
  #reconnects = 0;

  constructor(readonly total: ConnectionCounters) {}

  /** Another reader, on another socket. */
  follow(reader: ReaderCounters): void {
    this.#reader = reader;
    this.#counted = { messages: 0, bytes: 0, dropped: 0 };
    this.#reconnects = 0;
  }

  /** `reconnects` are those of the reader's socket so far. Gives how many messages were dropped since the last call. */
  count(reconnects: number): number {
    const { messages, bytes, dropped } = this.#reader;
    this.total.messagesReceived += messages - this.#counted.messages;
    this.total.bytesReceived += bytes - this.#counted.bytes;
    const droppedSince = dropped - this.#counted.dropped;
    this.total.messagesDropped += droppedSince;
    this.#counted = { messages, bytes, dropped };
    this.total.reconnects += Math.max(0, reconnects - this.#reconnects);
    this.#reconnects = Math.max(this.#reconnects, reconnects);
    return droppedSince;
  }
}
