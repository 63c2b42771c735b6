import type { Message } from '@laminar/codecs';
import type { Msg } from '@nats-io/nats-core';
import type { MsgImpl } from '@nats-io/nats-core/internal';
import { headersOf, readHeaders } from '../message.js';
import type { DeliveryStanding } from './delivery-standing.js';

/** A message of a stream that no consumer of the server keeps track of: what became of it, it knows itself. */
export class PositionedMessage implements Message {
  /** The reply subject says where the message stands, and is no business of a query. */
  readonly reply = undefined;
  readonly sequence: number;
  readonly stream: string;
  readonly consumer: string;
  readonly timestampMs: number;
  delivered = 1;
  settled = false;
  /** Monotonic milliseconds of when somebody last worked on it; undefined while it waits to be handed over. */
  workedOnMs: number | undefined;
  /** Monotonic milliseconds of when it is to be handed over again, while it waits for that. */
  dueMs = 0;

  constructor(
    readonly message: Msg,
    standing: DeliveryStanding,
  ) {
    this.sequence = standing.streamSequence;
    this.stream = standing.stream;
    this.consumer = standing.consumer;
    this.timestampMs = standing.timestampMs;
  }

  /** As the server counts them, headers and subjects included. */
  get bytes(): number {
    return (this.message as MsgImpl).size();
  }
  get data(): Uint8Array {
    return this.message.data;
  }
  get subject(): string {
    return this.message.subject;
  }
  headers(): { [name: string]: string[] } | undefined {
    return headersOf(readHeaders(this.message));
  }
  header(name: string): string | undefined {
    return readHeaders(this.message)?.get(name) || undefined;
  }
}
