import type { Message } from '@laminar/codecs';
import type { Msg, MsgHdrs } from '@nats-io/nats-core';

/** A message of a plain subscription. */
export class CoreMessage implements Message {
  readonly sequence = undefined;
  readonly stream = undefined;
  readonly consumer = undefined;
  readonly delivered = undefined;

  constructor(
    readonly message: Msg,
    readonly timestampMs: number,
  ) {}

  get data(): Uint8Array {
    return this.message.data;
  }
  get subject(): string {
    return this.message.subject;
  }
  get reply(): string | undefined {
    return this.message.reply || undefined;
  }
  headers(): { [name: string]: string[] } | undefined {
    return headersOf(readHeaders(this.message));
  }
  header(name: string): string | undefined {
    return readHeaders(this.message)?.get(name) || undefined;
  }
}

/** What a JetStream consumer delivers; its reply subject is where the acknowledgement goes. */
export type DeliveredMessage = Pick<Msg, 'subject' | 'data' | 'headers' | 'reply'>;

/** A message that a JetStream consumer delivered. */
export class JetStreamMessage implements Message {
  /** The reply subject is where the acknowledgement goes, and no business of a query. */
  readonly reply = undefined;
  #place: Place | undefined;

  constructor(
    readonly message: DeliveredMessage,
    /** Monotonic milliseconds. */
    readonly receivedMs: number,
  ) {}

  get data(): Uint8Array {
    return this.message.data;
  }
  get subject(): string {
    return this.message.subject;
  }
  get timestampMs(): number {
    return this.#read().timestampMs;
  }
  get sequence(): number {
    return this.#read().sequence;
  }
  get stream(): string {
    return this.#read().stream;
  }
  get consumer(): string {
    return this.#read().consumer;
  }
  get delivered(): number {
    return this.#read().delivered;
  }
  /** Counts the deliveries of the consumer, of whatever message. */
  get delivery(): number {
    return this.#read().delivery;
  }
  /** How many more messages of its stream the consumer had for its readers when this one was sent. */
  get pending(): number {
    return this.#read().pending;
  }
  headers(): { [name: string]: string[] } | undefined {
    return headersOf(readHeaders(this.message));
  }
  header(name: string): string | undefined {
    return readHeaders(this.message)?.get(name) || undefined;
  }

  #read(): Place {
    this.#place ??= placeOf(this.message.reply ?? '');
    return this.#place;
  }
}

/** Where a message stands in its stream, and how often its consumer has delivered it. */
interface Place {
  readonly stream: string;
  readonly consumer: string;
  readonly delivered: number;
  readonly sequence: number;
  readonly delivery: number;
  readonly timestampMs: number;
  readonly pending: number;
}

const dot = '.';
const digitZero = 48;
/** Dots of a reply subject without a domain and an account. */
const shortDots = 8;

/**
 * The reply subject of a delivery (NATS ADR-15):
 * `$JS.ACK.<stream>.<consumer>.<delivered>.<stream sequence>.<consumer sequence>.<nanoseconds>.<pending>`; newer servers may put a domain and an
 * account before the stream.
 */
function placeOf(reply: string): Place {
  const tokens = new Tokens(reply);
  tokens.skip(tokens.dots > shortDots ? 4 : 2);
  return {
    stream: tokens.text(),
    consumer: tokens.text(),
    delivered: tokens.integer(),
    sequence: tokens.integer(),
    delivery: tokens.integer(),
    timestampMs: Number(tokens.text()) / 1e6,
    pending: tokens.integer(),
  };
}

/** The tokens of a subject, one after the other; splitting it costs twice as much, for each message. */
class Tokens {
  #at = 0;

  constructor(readonly subject: string) {}

  get dots(): number {
    let count = 0;
    for (let at = this.subject.indexOf(dot); at >= 0; at = this.subject.indexOf(dot, at + 1)) count++;
    return count;
  }

  skip(count: number): void {
    for (let i = 0; i < count; i++) this.#at = this.#end() + 1;
  }

  text(): string {
    const end = this.#end();
    const text = this.subject.slice(this.#at, end);
    this.#at = end + 1;
    return text;
  }

  /** Of a token of digits alone. */
  integer(): number {
    const end = this.#end();
    let value = 0;
    for (let at = this.#at; at < end; at++) value = value * 10 + (this.subject.charCodeAt(at) - digitZero);
    this.#at = end + 1;
    return value;
  }

  #end(): number {
    const end = this.subject.indexOf(dot, this.#at);
    return end < 0 ? this.subject.length : end;
  }
}

/** The client reads headers when they are asked for, and throws where a sender wrote none that NATS allows: those count as none. */
export function readHeaders(message: { readonly headers?: MsgHdrs | undefined }): MsgHdrs | undefined {
  try {
    return message.headers;
  } catch {
    return undefined;
  }
}

export function headersOf(headers: MsgHdrs | undefined): { [name: string]: string[] } | undefined {
  return headers && Object.fromEntries(headers.keys().map((name) => [name, headers.values(name)]));
}
