import type { NatsConnection } from '@nats-io/nats-core';
import {
  type Dispatcher,
  Kind,
  type NatsConnectionImpl,
  type Parser,
  type ParserEvent,
  State,
} from '@nats-io/nats-core/internal';
import { digitsOf } from './digits.js';
import { MessageLine } from './message-line.js';

const letterM = 0x4d;
const letterS = 0x53;
const letterG = 0x47;
const letterH = 0x48;
const space = 0x20;
const carriageReturn = 0x0d;
const lineFeed = 0x0a;
/** Of `MSG ` and of `HMSG `. */
const verbBytes = 4;
/** A line has that many spaces behind its verb at most: subject, sid, reply, size of the headers, size. */
const spacesMax = 4;
/** What the client itself takes. */
const sizeMax = 64 * 1024 * 1024;
const sidMax = 999_999_999_999_999;
const withoutHeaders = -1;
const incomplete = -1;

/** Where the spaces of the line at hand are. */
const spaces = new Int32Array(spacesMax);

/**
 * Reads `MSG` and `HMSG` (NATS client protocol) in place of the client's own parser, which takes each byte of a line through a state of its own and makes six arrays for each
 * message: more than a tenth of what a small one costs from core to core. Everything else is left to the client's parser, line by line; and from the first message on that does not look as
 * nats-server writes it, all that follows.
 */
export class MessageParser {
  /** The beginning of an operation whose end has not come. */
  #partial: Uint8Array | undefined;
  /** How much of `#partial` has come. */
  #filled = 0;
  /** How many bytes the operation has in all; 0 while its line is incomplete. */
  #wanted = 0;
  #isLeft: boolean;

  constructor(
    readonly dispatcher: Dispatcher<ParserEvent>,
    /** The client's. */
    readonly rest: Parser,
  ) {
    this.#isLeft = rest.state !== State.OP_START;
  }

  /** Takes what came next, however it is cut; dispatches each operation that ends in it, in order. Throws as the client's parser does, for what is not the protocol. */
  parse(chunk: Uint8Array): void {
    for (let at = 0; at < chunk.length; ) {
      if (this.#isLeft) {
        this.rest.parse(at === 0 ? chunk : chunk.subarray(at));
        return;
      }
      at = this.#partial === undefined ? this.#operation(chunk, at) : this.#complete(this.#partial, chunk, at);
    }
  }

  /** Where the operation ends that begins at `start`, or its beginning, which is kept. */
  #operation(bytes: Uint8Array, start: number): number {
    const first = bytes[start];
    const end =
      first === letterM || first === letterH
        ? this.#message(bytes, start, first === letterH)
        : this.#line(bytes, start);
    if (end !== incomplete) return end;
    this.#keep(bytes.subarray(start));
    return bytes.length;
  }

  #message(bytes: Uint8Array, start: number, hasHeaders: boolean): number {
    const { length } = bytes;
    const subjectAt = start + verbBytes + (hasHeaders ? 1 : 0);
    let count = 0;
    let at = subjectAt;
    for (; at < length; at++) {
      const byte = bytes[at];
      if (byte === space && count < spacesMax) spaces[count++] = at;
      else if (byte === carriageReturn) break;
    }
    const payloadAt = at + 2;
    if (payloadAt > length) {
      this.#wanted = 0;
      return incomplete;
    }
    const hasReply = count === (hasHeaders ? 4 : 3);
    const subjectEnd = spaces[0] as number;
    const sidEnd = spaces[1] as number;
    const beforeSize = spaces[count - 1] as number;
    const beforeSizes = hasHeaders ? (spaces[count - 2] as number) : beforeSize;
    const sid = digitsOf(bytes, subjectEnd + 1, sidEnd);
    const size = digitsOf(bytes, beforeSize + 1, at);
    const hdr = hasHeaders ? digitsOf(bytes, beforeSizes + 1, beforeSize) : withoutHeaders;
    const end = payloadAt + size + 2;
    if (
      (!hasReply && count !== (hasHeaders ? 3 : 2)) ||
      !isVerb(bytes, subjectAt - verbBytes) ||
      !(sid <= sidMax) ||
      !(size <= sizeMax) ||
      (hasHeaders && !(hdr <= size)) ||
      (end <= length && bytes[end - 1] !== lineFeed)
    )
      return this.#leave(bytes, start);
    if (end > length) {
      this.#wanted = end - start;
      return incomplete;
    }
    const replyEnd = hasReply ? beforeSizes : sidEnd;
    const msg = new MessageLine(bytes, subjectAt, subjectEnd, sidEnd, replyEnd, sid, hdr, size);
    this.dispatcher.push({ kind: Kind.MSG, msg, data: bytes.subarray(payloadAt, payloadAt + size) });
    return end;
  }

  /** An operation that is a line alone. */
  #line(bytes: Uint8Array, start: number): number {
    const end = bytes.indexOf(lineFeed, start) + 1;
    if (end === 0) {
      this.#wanted = 0;
      return incomplete;
    }
    this.rest.parse(bytes.subarray(start, end));
    this.#isLeft = this.rest.state !== State.OP_START;
    return end;
  }

  #leave(bytes: Uint8Array, start: number): number {
    this.#isLeft = true;
    this.rest.parse(bytes.subarray(start));
    return bytes.length;
  }

  /** What the rest is copied behind; of a message whose line has come, there is room for all. */
  #keep(beginning: Uint8Array): void {
    this.#partial = new Uint8Array(Math.max(this.#wanted, beginning.length));
    this.#partial.set(beginning);
    this.#filled = beginning.length;
  }

  /** Where that ends which belongs to the operation that is kept. */
  #complete(partial: Uint8Array, chunk: Uint8Array, start: number): number {
    const lineEnd = this.#wanted > 0 ? 0 : chunk.indexOf(lineFeed, start) + 1;
    const end = this.#wanted > 0 ? start + this.#wanted - this.#filled : lineEnd || chunk.length;
    const more = chunk.subarray(start, end);
    const filled = this.#filled + more.length;
    if (filled > partial.length) {
      const joined = new Uint8Array(filled);
      joined.set(partial);
      this.#partial = joined;
    }
    (this.#partial as Uint8Array).set(more, this.#filled);
    this.#filled = filled;
    if (lineEnd > 0 || filled === this.#wanted) {
      const whole = this.#partial as Uint8Array;
      this.#partial = undefined;
      this.#operation(whole, 0);
    }
    return start + more.length;
  }
}

/** Whether `MSG ` stands there; the `H` that may be in front was seen. */
const isVerb = (bytes: Uint8Array, at: number): boolean =>
  bytes[at] === letterM && bytes[at + 1] === letterS && bytes[at + 2] === letterG && bytes[at + 3] === space;

/** Has the messages of a connection read by a `MessageParser`, also after each reconnect, when the client makes another parser. */
export function parseMessagesOf(nc: NatsConnection): void {
  const { protocol } = nc as NatsConnectionImpl;
  let parser = new MessageParser(protocol, protocol.parser);
  Object.defineProperty(protocol, 'parser', {
    get: () => parser,
    set: (made: Parser) => {
      parser = new MessageParser(protocol, made);
    },
  });
}
