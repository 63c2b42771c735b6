import { createInbox, type Msg, type NatsConnection, type Subscription } from '@nats-io/nats-core';
import { ConnectorError, type OutputMessage, type Sink } from '../contract.js';

/** Published and not yet acknowledged, at most. */
const pendingMax = 4096;
/** Unacknowledged for that long, a message is published again with its id. */
const ackTimeoutMs = 5000;
const retryDelayMs = 500;
const sweepIntervalMs = 250;

interface Pending {
  readonly message: OutputMessage;
  readonly settled: ((error?: ConnectorError) => void) | undefined;
  /** When to publish it again unless it is acknowledged before. */
  dueMs: number;
}

/**
 * Publishes to JetStream with everything in flight at once: one inbox subscription, a counter in the reply subject, one map of
 * what is pending, and one timer for all. What is not acknowledged is published again with the same bytes and message id.
 */
export class JetStreamSink implements Sink {
  /** By token, in the order of their publishing. */
  readonly #pending = new Map<number, Pending>();
  readonly #inbox: string;
  #next = 0;
  #subscription: Subscription | undefined;
  #sweeper: NodeJS.Timeout | undefined;
  #waiting: { promise: Promise<void>; resolve: () => void } | undefined;
  #drained: (() => void) | undefined;
  #problem: string | undefined;
  #connected = true;

  constructor(readonly nc: NatsConnection) {
    this.#inbox = `${createInbox()}.`;
  }

  get problem(): string | undefined {
    return this.#problem;
  }

  async open(): Promise<void> {
    this.#subscription = this.nc.subscribe(`${this.#inbox}*`, {
      callback: (error, message) => {
        if (!error) this.#take(message);
      },
    });
    this.#sweeper = setInterval(() => this.#sweep(), sweepIntervalMs);
    void this.#follow();
  }

  publish(message: OutputMessage, settled?: (error?: ConnectorError) => void): void {
    this.#send({ message, settled, dueMs: 0 });
  }

  ready(): Promise<void> | undefined {
    if (this.#pending.size < pendingMax) return undefined;
    if (!this.#waiting) {
      let resolve: () => void = () => undefined;
      const promise = new Promise<void>((done) => {
        resolve = done;
      });
      this.#waiting = { promise, resolve };
    }
    return this.#waiting.promise;
  }

  /** Acknowledgements come by themselves. */
  flush(): void {}

  async close(timeoutMs: number): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    if (this.#pending.size > 0) {
      await new Promise<void>((resolve) => {
        this.#drained = resolve;
        timer = setTimeout(resolve, timeoutMs);
      });
    }
    clearTimeout(timer);
    clearInterval(this.#sweeper);
    this.#subscription?.unsubscribe();
    // What is left was not confirmed, so that its source message stays unacknowledged and comes again.
    this.#pending.clear();
  }

  #send(pending: Pending): void {
    const { subject, data, headers } = pending.message;
    const token = this.#next++;
    try {
      this.nc.publish(subject, data, { headers: headers.asHeaders(), reply: this.#inbox + token });
    } catch (error) {
      throw new ConnectorError(
        'failed',
        `a message of ${data.length} bytes cannot be published to ${subject}: ${error instanceof Error ? error.message : String(error)}`,
        { cause: error },
      );
    }
    pending.dueMs = performance.now() + ackTimeoutMs;
    this.#pending.set(token, pending);
  }

  #take(message: Msg): void {
    const token = Number(message.subject.slice(this.#inbox.length));
    const pending = this.#pending.get(token);
    // A second acknowledgement, after a retry.
    if (!pending) return;
    const refusal = refusalOf(message);
    if (refusal === undefined) {
      this.#problem = undefined;
      this.#settle(token, pending);
    } else if (refusal.final) {
      this.#settle(
        token,
        pending,
        new ConnectorError('failed', `publishing to ${pending.message.subject} failed: ${refusal.reason}`),
      );
    } else {
      this.#problem = `publishing to ${pending.message.subject} waits: ${refusal.reason}`;
      pending.dueMs = performance.now() + retryDelayMs;
    }
  }

  #settle(token: number, pending: Pending, error?: ConnectorError): void {
    this.#pending.delete(token);
    pending.settled?.(error);
    if (this.#waiting && this.#pending.size < pendingMax / 2) {
      this.#waiting.resolve();
      this.#waiting = undefined;
    }
    if (this.#pending.size === 0) this.#drained?.();
  }

  /** While the connection is away the client keeps what is published; publishing it again would only fill its buffer. */
  async #follow(): Promise<void> {
    for await (const status of this.nc.status()) {
      if (status.type === 'disconnect') {
        this.#connected = false;
        this.#problem = `publishing waits: the connection to ${status.server} was lost`;
      } else if (status.type === 'reconnect') this.#connected = true;
    }
  }

  #sweep(): void {
    if (this.#pending.size === 0 || !this.#connected || this.nc.isClosed()) return;
    const now = performance.now();
    for (const [token, pending] of [...this.#pending]) {
      if (pending.dueMs > now) continue;
      this.#pending.delete(token);
      this.#problem ??= `publishing to ${pending.message.subject} waits: no acknowledgement within ${ackTimeoutMs} ms`;
      try {
        this.#send(pending);
      } catch (error) {
        // It went out before, so that the server's limits have changed since.
        pending.settled?.(error instanceof ConnectorError ? error : new ConnectorError('failed', String(error)));
      }
    }
  }
}

/** Error codes of the JetStream API after which the same message can never be stored. */
const finalCodes = new Set([
  10054 /* message size exceeds maximum allowed */, 10004 /* header size exceeds maximum allowed */,
]);

const noResponders = 503;
/** `{"error"`, where an acknowledgement begins with `{"stream"`. */
const letterE = 0x65;

function refusalOf(message: Msg): { final: boolean; reason: string } | undefined {
  if (message.data.length === 0) {
    const { code, description } = message.headers ?? { code: 0, description: 'an empty answer' };
    const reason =
      code === noResponders ? 'no stream takes this subject, or JetStream is away' : `${code} ${description}`;
    return { final: false, reason };
  }
  if (message.data[2] !== letterE) return undefined;
  const answer: { error?: { err_code?: number; description?: string } } = JSON.parse(
    new TextDecoder().decode(message.data),
  );
  if (!answer.error) return undefined;
  return {
    final: finalCodes.has(answer.error.err_code ?? 0),
    reason: answer.error.description ?? 'the server refused it',
  };
}
