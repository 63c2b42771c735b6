import { clearInterval, setInterval } from 'node:timers';
import type { PullSource } from '@laminar/definitions';
import type { ConsumerConfig } from '@nats-io/jetstream';
import { createInbox, type Msg, type NatsConnection, nanos, type Subscription } from '@nats-io/nats-core';
import type { ConnectionLog } from '../connection-log.js';
import { ConnectorError } from '../contract.js';
import { within } from '../within.js';
import { connectorError } from './errors.js';
import { countsDeliveries } from './exhausted-capture.js';
import { type Intake, type IntakeTarget, rateTickMs } from './intake.js';
import { hasReply } from './message-line.js';
import { isServed, isTooLarge, pullBytesMax } from './pull-size.js';
import { RateLimit } from './rate-limit.js';

/** A server that has nothing to deliver says so that often, so that a pull which was lost is noticed. */
const heartbeatMs = 2000;
/** A crash costs everything that was asked for one delivery: where those are counted, little is. */
const countedBatchMax = 64;
/** A pull of which nothing was heard for that much longer than it may take is lost. */
const graceMs = 1500;

/** Asks a pull consumer for messages, batch by batch, and asks again before the last batch is used up. */
export class PullIntake implements Intake {
  readonly #limit: RateLimit | undefined;
  readonly #request: { readonly expires: number; readonly idle_heartbeat?: number };
  readonly #silenceMaxMs: number;
  readonly #batchSize: number;
  #bytesMax = pullBytesMax;
  /** The next message may be larger than what a pull brings, and is asked for without that limit. */
  #alone = false;
  #timer: NodeJS.Timeout | undefined;
  #subscription: Subscription | undefined;
  #inbox = '';
  /** Messages that were asked for and have not come. */
  #asked = 0;
  #heard = false;
  #heardMs = performance.now();
  #stopped = false;

  constructor(
    readonly nc: NatsConnection,
    readonly source: PullSource,
    readonly target: IntakeTarget,
    readonly log: ConnectionLog,
  ) {
    const { pullTimeoutMs, pullBatchSize, rateLimit } = source;
    this.#batchSize = countsDeliveries(source) ? Math.min(pullBatchSize, countedBatchMax) : pullBatchSize;
    this.#limit = rateLimit === undefined ? undefined : new RateLimit(rateLimit, performance.now());
    // The server wants two heartbeats in the time of a pull; a shorter pull ends soon enough by itself.
    const hasHeartbeat = pullTimeoutMs >= 2 * heartbeatMs;
    this.#request = {
      expires: nanos(pullTimeoutMs),
      ...(hasHeartbeat ? { idle_heartbeat: nanos(heartbeatMs) } : {}),
    };
    this.#silenceMaxMs = (hasHeartbeat ? heartbeatMs : pullTimeoutMs) + graceMs;
  }

  async open({ max_bytes = 0 }: ConsumerConfig): Promise<void> {
    // A limit that its maker gave the consumer.
    if (max_bytes > 0) this.#bytesMax = Math.min(pullBytesMax, max_bytes);
    if (this.#limit) this.#timer = setInterval(() => this.replenish(), rateTickMs);
    this.#begin();
    await this.nc.flush();
  }

  replenish(): void {
    if (this.#limit || this.#asked <= this.#batchSize >> 1) this.#ask();
  }

  tick(): void {
    const nowMs = performance.now();
    if (this.#heard || this.#asked === 0) this.#heardMs = nowMs;
    this.#heard = false;
    if (nowMs - this.#heardMs > this.#silenceMaxMs) this.#begin();
    else this.replenish();
  }

  reconnected(): void {
    this.#begin();
  }

  keepAlive(): void {}

  async stop(timeoutMs: number): Promise<void> {
    this.#stopped = true;
    clearInterval(this.#timer);
    const subscription = this.#subscription;
    // What the server has sent by now arrives before it answers.
    if (subscription && !subscription.isClosed()) await within(timeoutMs, subscription.drain());
  }

  /** Forgets the pulls so far: the server lets go of them, since nobody listens to their inbox any more. */
  #begin(): void {
    if (this.#stopped || this.nc.isClosed()) return;
    this.#subscription?.unsubscribe();
    this.#inbox = createInbox();
    this.#subscription = this.nc.subscribe(this.#inbox, {
      callback: (error, message) => {
        if (error) this.target.fail(connectorError(this.#what, error));
        else this.#receive(message);
      },
    });
    this.#asked = 0;
    this.#heardMs = performance.now();
    this.#ask();
  }

  #ask(): void {
    if (this.#stopped || this.nc.isClosed()) return;
    const { streamName, consumer } = this.source;
    const allowed = this.#limit?.allowed(performance.now()) ?? Number.POSITIVE_INFINITY;
    let wanted = Math.min(allowed - this.#asked, this.target.room(this.#asked));
    // One batch after the other; a rate may need several at once.
    do {
      const batch = Math.min(wanted, this.#alone ? 1 : this.#batchSize);
      if (batch <= 0) return;
      const size = this.#alone ? { batch } : { batch, max_bytes: this.#bytesMax };
      this.#alone = false;
      this.#asked += batch;
      wanted -= batch;
      this.nc.publish(
        `$JS.API.CONSUMER.MSG.NEXT.${streamName}.${consumer.name}`,
        JSON.stringify({ ...size, ...this.#request }),
        { reply: this.#inbox },
      );
      this.log.write('debug', 'pull', () => ({
        attributes: { consumer: consumer.name, batch, expires_ms: this.source.pullTimeoutMs },
      }));
    } while (this.#limit);
  }

  #receive(message: Msg): void {
    this.#heard = true;
    // What is delivered says where its acknowledgement goes; what the server has to say has no reply.
    if (!hasReply(message)) {
      this.#control(message);
      return;
    }
    if (this.#asked > 0) this.#asked--;
    this.#limit?.spend(1);
    this.target.take(message);
    if (!this.#limit && this.#asked <= this.#batchSize >> 1) this.#ask();
  }

  /** What the server says of a pull (NATS ADR-13). */
  #control({ headers }: Msg): void {
    const code = headers?.code ?? 0;
    const description = headers?.description ?? '';
    if (code === 100 || isServed(description)) return;
    const unused = Number(headers?.get('Nats-Pending-Messages') || Number.NaN);
    const tooLarge = isTooLarge(code, description);
    if (tooLarge) this.#alone = true;
    if (code === 404 || code === 408 || tooLarge) {
      this.#asked = Number.isNaN(unused) ? 0 : Math.max(0, this.#asked - unused);
      this.replenish();
    } else if (code === 400 || /^(exceeded maxrequest|consumer is push based)/i.test(description)) {
      // Limits that its maker gave the consumer.
      const hint =
        'ask for less by pull_batch_size or pull_timeout_ms, or give this connection a consumer_name of its own';
      this.target.fail(new ConnectorError('failed', `${this.#what} failed: the server says "${description}"; ${hint}`));
    } else if (/^consumer deleted/i.test(description)) {
      this.target.fail(new ConnectorError('blocked', `${this.#name} was deleted; it is made again`));
    } else {
      // Too many pulls wait, the server shuts down or another one leads: the next tick asks again.
      this.#asked = 0;
    }
  }

  get #name(): string {
    return `the consumer "${this.source.consumer.name}" of the stream "${this.source.streamName}"`;
  }

  get #what(): string {
    return `reading ${this.#name}`;
  }
}
