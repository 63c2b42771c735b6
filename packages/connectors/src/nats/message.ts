import type { Message } from '@laminar/codecs';
import type { Msg, MsgHdrs } from '@nats-io/nats-core';
import { digitsOf } from './digits.js';
import { lineOf } from './message-line.js';
import { timestampMsIn } from './timestamp.js';

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

/** A message that a JetStream consumer delivered. */
export class JetStreamMessage implements Message {
  /** The reply subject is where the acknowledgement goes, and no business of a query. */
  readonly reply = undefined;
  /** Where the acknowledgement goes. */
  readonly answerTo: Uint8Array;
  readonly delivered: number;
  readonly sequence: number;
  /** Counts the deliveries of the consumer, of whatever message. */
  readonly delivery: number;
  readonly timestampMs: number;
  /** How many more messages of its stream the consumer had for its readers when this one was sent. */
  readonly pending: number;
  /** Where the names of stream and consumer begin, and where they end, in `answerTo`. */
  readonly #streamAt: number;
  readonly #consumerAt: number;
  readonly #namesEnd: number;

  /**
   * Where the message stands is in its reply subject (NATS ADR-15):
   * `$JS.ACK.<stream>.<consumer>.<delivered>.<stream sequence>.<consumer sequence>.<nanoseconds>.<pending>`; newer servers may put a domain and an
   * account before the stream.
   */
  constructor(
    readonly message: Msg,
    /** Monotonic milliseconds. */
    readonly receivedMs: number,
  ) {
    const bytes = lineOf(message).reply ?? noBytes;
    const first = findTokens(bytes);
    this.answerTo = bytes;
    this.#streamAt = starts[first] as number;
    this.#consumerAt = starts[first + 1] as number;
    this.#namesEnd = starts[first + 2] as number;
    this.delivered = integerOf(bytes, first + 2);
    this.sequence = integerOf(bytes, first + 3);
    this.delivery = integerOf(bytes, first + 4);
    this.timestampMs = timestampMsIn(bytes, starts[first + 5] as number, (starts[first + 6] as number) - 1);
    this.pending = integerOf(bytes, first + 6);
  }

  get data(): Uint8Array {
    return this.message.data;
  }
  get subject(): string {
    return this.message.subject;
  }
  get stream(): string {
    return streamNames.of(this.answerTo, this.#streamAt, this.#consumerAt - 1);
  }
  get consumer(): string {
    return consumerNames.of(this.answerTo, this.#consumerAt, this.#namesEnd - 1);
  }
  headers(): { [name: string]: string[] } | undefined {
    return headersOf(readHeaders(this.message));
  }
  header(name: string): string | undefined {
    return readHeaders(this.message)?.get(name) || undefined;
  }
}

const noBytes = new Uint8Array(0);
const dot = 46;
/** Tokens of a reply subject without a domain and an account, and of one with them; newer servers may add some behind. */
const shortTokens = 9;
const longTokens = 11;
/** Where the tokens of the subject at hand begin; splitting it costs a multiple, for each message. */
const starts = new Int32Array(longTokens + 1);

/** Fills `starts`, one place after the other: to fill it whole with a call costs as much as all the rest. Which token is the stream's. */
function findTokens(subject: Uint8Array): number {
  const { length } = subject;
  let count = 1;
  for (let at = 0; at < length && count <= longTokens; at++) if (subject[at] === dot) starts[count++] = at + 1;
  // Where the last one ends; and of those that are missing, of a subject that no server wrote, none is to be found.
  if (count === shortTokens || count === longTokens) starts[count] = length + 1;
  else starts.fill(length + 1, count);
  return count > shortTokens ? 4 : 2;
}

function textOf(bytes: Uint8Array, start: number, end: number): string {
  const buffer = bytes instanceof Buffer ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return buffer.toString('utf8', start, end);
}

/** Texts that are mostly the same as the last one, of which no string is made then. */
class LastText {
  #bytes: Uint8Array = noBytes;
  #text = '';

  of(bytes: Uint8Array, start: number, end: number): string {
    if (!this.#isLast(bytes, start, end)) {
      // A copy: the bytes themselves are a part of all that came with them.
      this.#bytes = Uint8Array.from(bytes.subarray(start, end));
      this.#text = textOf(bytes, start, end);
    }
    return this.#text;
  }

  #isLast(bytes: Uint8Array, start: number, end: number): boolean {
    const last = this.#bytes;
    if (end - start !== last.length) return false;
    for (let i = 0; i < last.length; i++) if (bytes[start + i] !== last[i]) return false;
    return true;
  }
}

const streamNames = new LastText();
const consumerNames = new LastText();

/** 0 where there are no digits: nobody but a server writes there, unless to mislead. */
const integerOf = (subject: Uint8Array, token: number): number =>
  digitsOf(subject, starts[token] as number, (starts[token + 1] as number) - 1) || 0;

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
