import type { NatsConnection } from '@nats-io/nats-core';
import type { NatsConnectionImpl } from '@nats-io/nats-core/internal';
import type { HeaderBlock } from '../header-block.js';
import { writeDigits } from './digits.js';

/** What is written together at most. Messages that are larger than a quarter of it are left to the client. */
const slabBytes = 64 * 1024;
const ownMax = slabBytes / 4;
/** Of a protocol line beside subject and reply: its verb, spaces, and two sizes. */
const lineBytes = 40;
const maxBytesPerChar = 3;
const pub = Buffer.from('PUB ');
const hpub = Buffer.from('HPUB ');
const lineEnd = Buffer.from('\r\n');
const space = 0x20;
const asciiMax = 0x7f;
const whitespace = /[ \n\r\t]/;

/**
 * Publishes by a connection without an object, a buffer and four copies for each message: messages are written one behind the other into a slab, as they
 * travel (`HPUB`), and handed to the client together, at the end of the microtask queue or when the slab is full. The client's own `publish` and
 * `flush` do not know of what is here: who calls them in between calls `write` before.
 */
export class Outbound {
  static readonly #known = new WeakMap<NatsConnection, Outbound>();
  readonly #protocol: NatsConnectionImpl['protocol'];
  #slab = Buffer.allocUnsafeSlow(0);
  #written = 0;
  #end = 0;
  #scheduled = false;

  /** The one of a connection, so that the order of what different parts publish by it is kept. */
  static of(nc: NatsConnection): Outbound {
    let outbound = Outbound.#known.get(nc);
    if (!outbound) {
      outbound = new Outbound(nc);
      Outbound.#known.set(nc, outbound);
    }
    return outbound;
  }

  private constructor(readonly nc: NatsConnection) {
    this.#protocol = (nc as NatsConnectionImpl).protocol;
  }

  /** Whether what is published goes out now; the client's status says the same a moment later. */
  get connected(): boolean {
    return this.#protocol.connected;
  }

  /** Throws what the client's `publish` throws, at once, for a message that cannot be published. */
  publish(subject: string, data: Uint8Array, headers: HeaderBlock | undefined, reply: string): void {
    const block = headers?.encode();
    const size = data.length + (block?.length ?? 0);
    const needed = (subject.length + reply.length) * maxBytesPerChar + lineBytes + size;
    if (needed > ownMax || whitespace.test(subject) || subject === '' || !this.#canTake(size)) {
      this.write();
      this.nc.publish(subject, data, { ...(headers ? { headers: headers.asHeaders() } : {}), reply });
      return;
    }
    if (this.#slab.length - this.#end < needed) this.#renew();
    const slab = this.#slab;
    let end = copy(block ? hpub : pub, slab, this.#end);
    end = writeText(subject, slab, end);
    if (reply !== '') {
      slab[end] = space;
      end = writeText(reply, slab, end + 1);
    }
    if (block) {
      end = writeSize(block.length, slab, end);
      end = writeSize(size, slab, end);
      end = copy(lineEnd, slab, end);
      slab.set(block, end);
      end += block.length;
    } else end = copy(lineEnd, slab, writeSize(size, slab, end));
    this.#end = this.#put(data, end);
    this.#schedule();
  }

  /** The same, to a subject that came as the reply of a message: no string is made of it. */
  answer(to: Uint8Array, data: Uint8Array): void {
    const needed = to.length + lineBytes + data.length;
    if (needed > ownMax || to.length === 0 || !this.#canTake(data.length)) {
      this.write();
      this.nc.publish(Buffer.from(to).toString(), data);
      return;
    }
    if (this.#slab.length - this.#end < needed) this.#renew();
    const slab = this.#slab;
    let end = copy(pub, slab, this.#end);
    slab.set(to, end);
    end += to.length;
    end = copy(lineEnd, slab, writeSize(data.length, slab, end));
    this.#end = this.#put(data, end);
    this.#schedule();
  }

  /** Hands to the client what was published. */
  write(): void {
    this.#scheduled = false;
    if (this.#end === this.#written) return;
    const bytes = this.#slab.subarray(this.#written, this.#end);
    this.#written = this.#end;
    this.#protocol.sendCommand(bytes);
  }

  /** Writes the end of a message, and says where it is. */
  #put(data: Uint8Array, at: number): number {
    this.#slab.set(data, at);
    return copy(lineEnd, this.#slab, at + data.length);
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    queueMicrotask(() => this.write());
  }

  /** What the client asks before it takes a message; while it is away it asks nothing. */
  #canTake(size: number): boolean {
    const { info } = this.#protocol;
    if (info && (size > info.max_payload || info.headers !== true)) return false;
    return !this.nc.isClosed() && !this.nc.isDraining();
  }

  #renew(): void {
    this.write();
    this.#slab = Buffer.allocUnsafeSlow(slabBytes);
    this.#written = 0;
    this.#end = 0;
  }
}

/** A few bytes, for which a call of `set` costs more. Where they end, as with the other two. */
function copy(bytes: Uint8Array, into: Uint8Array, at: number): number {
  for (let i = 0; i < bytes.length; i++) into[at + i] = bytes[i] as number;
  return at + bytes.length;
}

/** Most subjects are short and ASCII, for which a call into native code costs twice as much. */
function writeText(text: string, into: Buffer, at: number): number {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code > asciiMax) return at + into.write(text, at);
    into[at + i] = code;
  }
  return at + text.length;
}

function writeSize(size: number, into: Uint8Array, at: number): number {
  into[at] = space;
  return writeDigits(size, into, at + 1);
}
