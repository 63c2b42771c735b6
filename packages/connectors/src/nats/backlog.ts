import type { Msg, NatsConnection } from '@nats-io/nats-core';
import { MsgImpl } from '@nats-io/nats-core/internal';
import { CoreMessage } from './message.js';

/** Records are written one behind the other into buffers of that size; one that is larger has a buffer of its own. */
const slabBytes = 256 * 1024;
/** Of a record: the time of its arrival, and how long its subject, its reply subject, its headers and all of its data are. */
const prefixBytes = 24;
const noHeaders = -1;

interface Slab {
  readonly bytes: Buffer;
  end: number;
}

/**
 * Messages that wait, oldest first, as the bytes that travelled: what waits for long as objects is moved from one generation of the heap to the next, which takes
 * three times the memory and leaves garbage there that is seldom collected.
 */
export class Backlog {
  readonly #slabs: Slab[] = [];
  /** Where the oldest message begins in the first slab. */
  #at = 0;
  #size = 0;

  /** The messages that come out belong to this connection. */
  constructor(readonly nc: NatsConnection) {}

  get size(): number {
    return this.#size;
  }

  push(message: Msg, timestampMs: number): void {
    const { _msg: line, _rdata: data } = message as MsgImpl;
    const { subject, reply, hdr } = line;
    const replyBytes = reply?.length ?? 0;
    const slab = this.#slabFor(prefixBytes + subject.length + replyBytes + data.length);
    const { bytes } = slab;
    let end = bytes.writeDoubleLE(timestampMs, slab.end);
    end = bytes.writeUInt32LE(subject.length, end);
    end = bytes.writeUInt32LE(replyBytes, end);
    end = bytes.writeInt32LE(hdr > 0 ? hdr : noHeaders, end);
    end = bytes.writeUInt32LE(data.length, end);
    bytes.set(subject, end);
    end += subject.length;
    if (reply) bytes.set(reply, end);
    end += replyBytes;
    bytes.set(data, end);
    slab.end = end + data.length;
    this.#size++;
  }

  /** The oldest one; undefined where none waits. */
  shift(): CoreMessage | undefined {
    const slab = this.#slabs[0];
    if (!slab) return undefined;
    const { bytes } = slab;
    const timestampMs = bytes.readDoubleLE(this.#at);
    const subjectAt = this.#at + prefixBytes;
    const replyAt = subjectAt + bytes.readUInt32LE(this.#at + 8);
    const dataAt = replyAt + bytes.readUInt32LE(this.#at + 12);
    const size = bytes.readUInt32LE(this.#at + 20);
    const line = {
      subject: bytes.subarray(subjectAt, replyAt),
      reply: dataAt > replyAt ? bytes.subarray(replyAt, dataAt) : undefined,
      sid: 0,
      hdr: bytes.readInt32LE(this.#at + 16),
      size,
    };
    this.#at = dataAt + size;
    this.#size--;
    if (this.#at === slab.end) {
      // What came out of it keeps it for as long as it lives.
      this.#slabs.shift();
      this.#at = 0;
    }
    return new CoreMessage(new MsgImpl(line, bytes.subarray(dataAt, dataAt + size), this.nc), timestampMs);
  }

  #slabFor(bytes: number): Slab {
    const last = this.#slabs.at(-1);
    if (last && last.bytes.length - last.end >= bytes) return last;
    const slab = { bytes: Buffer.allocUnsafeSlow(Math.max(slabBytes, bytes)), end: 0 };
    this.#slabs.push(slab);
    return slab;
  }
}
