import type { LogDetails, LogLevel } from '@laminar/connectors';
import { laminar, subjects } from '@laminar/protocol';
import type { NatsConnection } from '@nats-io/nats-core';

const { InstanceLogs } = laminar.v1;

const flushIntervalMs = 250;
/** Lines that wait for the bus at most; beyond it the newest are dropped, and counted. */
const waitingMax = 10_000;
/** Lines of one message at most, so that it stays far below a server's `max_payload`. */
const perMessageMax = 400;
/** A longer text is cut. */
const charsMax = 500;

export interface LogLine {
  readonly connection: string;
  readonly level: LogLevel;
  readonly message: string;
  readonly attributes: LogDetails['attributes'];
  readonly traceId: string | undefined;
}

export interface LogPublisherOptions {
  readonly nc: NatsConnection;
  readonly instance: string;
  /** Whether the bus is away, so that what is sent would be lost. */
  isAway(): boolean;
  /** So many lines were dropped, for want of a bus. */
  onDropped(count: number): void;
}

/** Sends the lines of all connections of this process on the bus, many in one message. */
export class LogPublisher {
  readonly #clock = new RisingClock();
  #waiting: laminar.v1.LogLine.$Properties[] = [];
  #dropped = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(readonly options: LogPublisherOptions) {}

  append({ connection, level, message, attributes, traceId }: LogLine): void {
    if (this.#waiting.length >= waitingMax) {
      this.#dropped++;
      return;
    }
    this.#waiting.push({
      atUnixUs: this.#clock.nowUs(),
      connection,
      level,
      message: message.slice(0, charsMax),
      attributes: encodeAttributes(attributes),
      traceId: traceId ?? '',
    });
    this.#timer ??= setTimeout(() => this.#flush(), flushIntervalMs);
  }

  /** Sends what waits, and takes nothing more to send later. */
  stop(): void {
    this.#flush();
    clearTimeout(this.#timer);
  }

  #flush(): void {
    const { nc, instance, isAway, onDropped } = this.options;
    this.#timer = undefined;
    if (nc.isClosed()) return;
    if (isAway()) {
      this.#timer = setTimeout(() => this.#flush(), flushIntervalMs);
      return;
    }
    const lines = this.#waiting;
    this.#waiting = [];
    for (let start = 0; start < lines.length; start += perMessageMax) {
      const part = lines.slice(start, start + perMessageMax);
      nc.publish(subjects.logs(instance), InstanceLogs.encode({ instance, lines: part }).finish());
    }
    if (this.#dropped > 0) onDropped(this.#dropped);
    this.#dropped = 0;
  }
}

function encodeAttributes(attributes: LogDetails['attributes'] = {}): laminar.v1.LogLine.$Properties['attributes'] {
  const encoded: { [name: string]: laminar.v1.LogValue.$Properties } = {};
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === 'number') encoded[name] = { number: value };
    else if (value !== undefined) encoded[name] = { text: value.slice(0, charsMax) };
  }
  return encoded;
}

/** Unix microseconds that grow from call to call, so that lines sort as they were written. */
class RisingClock {
  #lastUs = 0;

  nowUs(): number {
    this.#lastUs = Math.max(this.#lastUs + 1, Math.round((performance.timeOrigin + performance.now()) * 1000));
    return this.#lastUs;
  }
}
