import { clearInterval, setInterval } from 'node:timers';
import type { PushSource } from '@laminar/definitions';
import type { ConsumerConfig } from '@nats-io/jetstream';
import type { Msg, NatsConnection, Subscription } from '@nats-io/nats-core';
import { ConnectorError } from '../contract.js';
import { within } from '../within.js';
import { connectorError } from './errors.js';
import { type HeldBack, type Intake, type IntakeTarget, rateTickMs } from './intake.js';
import { RateLimit } from './rate-limit.js';

interface Held {
  readonly message: Msg;
  readonly receivedMs: number;
}

/**
 * Listens to the deliver subject of a push consumer. The server is held back by what is not acknowledged, and by its requests for flow control, which are answered when
 * there is room.
 */
export class PushIntake implements Intake {
  readonly #limit: RateLimit | undefined;
  #timer: NodeJS.Timeout | undefined;
  #subscription: Subscription | undefined;
  /** What came faster than the rate limit allows. */
  #held: Held[] = [];
  #heldBytes = 0;
  /** Where the server waits for word that it may go on. */
  #flow: string | undefined;

  constructor(
    readonly nc: NatsConnection,
    readonly source: PushSource,
    readonly target: IntakeTarget,
  ) {
    const { rateLimit } = source;
    this.#limit = rateLimit === undefined ? undefined : new RateLimit(rateLimit, performance.now());
  }

  async open({ deliver_subject, deliver_group }: ConsumerConfig): Promise<void> {
    const { streamName, consumer } = this.source;
    const name = `the consumer "${consumer.name}" of the stream "${streamName}"`;
    if (deliver_subject === undefined) throw new ConnectorError('failed', `${name} is a pull consumer`);
    if (this.#limit) this.#timer = setInterval(() => this.replenish(), rateTickMs);
    let refusal: ConnectorError | undefined;
    this.#subscription = this.nc.subscribe(deliver_subject, {
      ...(deliver_group === undefined ? {} : { queue: deliver_group }),
      callback: (error, message) => {
        if (!error) this.#receive(message);
        else {
          refusal = connectorError(`reading ${name}`, error);
          this.target.fail(refusal);
        }
      },
    });
    await this.nc.flush();
    // A refusal arrives before the answer to the flush.
    if (refusal) throw refusal;
  }

  replenish(): void {
    if (this.#limit && this.#held.length > 0) this.#release(this.#limit.allowed(performance.now()));
    if (this.#flow !== undefined && this.target.hasRoom(this.#heldBack)) {
      if (!this.nc.isClosed()) this.nc.publish(this.#flow);
      this.#flow = undefined;
    }
  }

  tick(): void {
    this.replenish();
  }

  reconnected(): void {}

  keepAlive(beforeMs: number): void {
    if (this.source.consumer.ackPolicy === 'none' || this.nc.isClosed()) return;
    for (const { message, receivedMs } of this.#held) if (receivedMs < beforeMs) message.respond('+WPI');
  }

  async stop(timeoutMs: number): Promise<void> {
    clearInterval(this.#timer);
    const subscription = this.#subscription;
    if (subscription && !subscription.isClosed()) await within(timeoutMs, subscription.drain());
    this.#release(this.#held.length);
  }

  #receive(message: Msg): void {
    if (message.data.length === 0 && message.headers?.code === 100) {
      this.#flow = message.reply || message.headers.get('Nats-Consumer-Stalled') || undefined;
      this.replenish();
    } else if (!this.#limit) this.target.take(message);
    else if (this.target.admits(message, this.#heldBack)) {
      this.#held.push({ message, receivedMs: performance.now() });
      this.#heldBytes += message.data.length;
    }
  }

  #release(count: number): void {
    const released = this.#held.splice(0, count);
    this.#limit?.spend(released.length);
    for (const { message } of released) {
      this.#heldBytes -= message.data.length;
      this.target.take(message);
    }
  }

  get #heldBack(): HeldBack {
    return { messages: this.#held.length, bytes: this.#heldBytes };
  }
}
