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

const dot = 46;
const digitZero = 48;
/** Tokens of a reply subject without a domain and an account, and of one with them; newer servers may add some behind. */
const shortTokens = 9;
const longTokens = 11;
/** Where the tokens of the subject at hand begin; splitting it costs a multiple, for each message. */
const starts = new Int32Array(longTokens + 1);

/**
 * The reply subject of a delivery (NATS ADR-15):
 * `$JS.ACK.<stream>.<consumer>.<delivered>.<stream sequence>.<consumer sequence>.<nanoseconds>.<pending>`; newer servers may put a domain and an
 * account before the stream.
 */
function placeOf(reply: string): Place {
  const stream = findTokens(reply) > shortTokens ? 4 : 2;
  return {
    stream: textOf(reply, stream),
    consumer: textOf(reply, stream + 1),
    delivered: integerOf(reply, stream + 2),
    sequence: integerOf(reply, stream + 3),
    delivery: integerOf(reply, stream + 4),
    timestampMs: Number(textOf(reply, stream + 5)) / 1e6,
    pending: integerOf(reply, stream + 6),
  };
}

/** Fills `starts`. How many tokens there are, of those that are looked at. */
function findTokens(subject: string): number {
  starts.fill(subject.length + 1);
  starts[0] = 0;
  let count = 1;
  for (let at = 0; at < subject.length && count <= longTokens; at++)
    if (subject.charCodeAt(at) === dot) starts[count++] = at + 1;
  return Math.min(count, longTokens);
}

const textOf = (subject: string, token: number): string =>
  subject.slice(starts[token], (starts[token + 1] as number) - 1);

/** Of a token of digits alone. */
function integerOf(subject: string, token: number): number {
  const end = (starts[token + 1] as number) - 1;
  let value = 0;
  for (let at = starts[token] as number; at < end; at++) value = value * 10 + (subject.charCodeAt(at) - digitZero);
  return value;
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
