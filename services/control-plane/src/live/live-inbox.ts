import { setTimeout as delay } from 'node:timers/promises';
import { BusUnavailable } from '@laminar/event-store';
import { laminar, subjects } from '@laminar/protocol';
import { createInbox, type Msg, type NatsConnection, type Subscription } from '@nats-io/nats-core';
import { Refusal } from '../refusal.js';
import { noIngestion } from './no-ingestion.js';

const { LiveAnswer, LiveEvent } = laminar.v1;
type LiveEvent = laminar.v1.LiveEvent;

/** An instance says something twice a second. */
const silenceMs = 3000;
/** What the bus has for this process is there within that time, if the bus is. */
const flushTimeoutMs = 1000;
/** Events that are received and not taken, after which the instance has to wait. */
const waitingMax = 4;
/** How long it is waited for an event whose answer ends the query. */
const leaveTimeoutMs = 3000;

const answers = {
  next: LiveAnswer.encode({ what: LiveAnswer.What.WHAT_NEXT }).finish(),
  wait: LiveAnswer.encode({ what: LiveAnswer.What.WHAT_WAIT }).finish(),
  end: LiveAnswer.encode({ what: LiveAnswer.What.WHAT_END }).finish(),
} as const;

/** Where the events of one live query come in. Each is answered at once, so that an instance never waits for somebody who is gone. */
export class LiveInbox {
  readonly #subscription: Subscription;
  #events: LiveEvent[] = [];
  #error: Error | undefined;
  #left = false;
  /** What was said so far. */
  #heard = 0;
  #wake: () => void = () => undefined;
  #silence: NodeJS.Timeout | undefined;

  constructor(readonly nc: NatsConnection) {
    this.#subscription = nc.subscribe(createInbox(), { callback: (_, message) => this.#take(message) });
  }

  /** Asks any instance. */
  ask(request: laminar.v1.LiveQueryRequest.$Properties): void {
    const data = laminar.v1.LiveQueryRequest.encode(request).finish();
    this.nc.publish(subjects.liveQuery, data, { reply: this.#subscription.getSubject() });
    this.#listen();
  }

  /** The next event, undefined after `leave`. Throws a `Refusal` and `BusUnavailable` where none comes any more. */
  async next(): Promise<LiveEvent | undefined> {
    for (;;) {
      if (this.#left) return undefined;
      const event = this.#events.shift();
      if (event) return event;
      if (this.#error) throw this.#error;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  /** Nothing more is wanted, which the instance hears at its next event. Idempotent. */
  leave(): void {
    if (this.#left) return;
    this.#left = true;
    clearTimeout(this.#silence);
    if (this.#error) this.#subscription.unsubscribe();
    else this.#silence = setTimeout(() => this.#subscription.unsubscribe(), leaveTimeoutMs);
    this.#wake();
  }

  #take(message: Msg): void {
    this.#heard++;
    clearTimeout(this.#silence);
    if (this.#left) {
      message.respond(answers.end);
      this.#subscription.unsubscribe();
      return;
    }
    if (message.data.length === 0 && message.headers?.code === 503) {
      this.#fail(noIngestion());
      return;
    }
    const event = LiveEvent.decode(message.data);
    if (!event.idle) this.#events.push(event);
    // The last event is no request.
    if (message.reply) {
      message.respond(this.#events.length > waitingMax ? answers.wait : answers.next);
      this.#listen();
    }
    this.#wake();
  }

  #listen(): void {
    clearTimeout(this.#silence);
    this.#silence = setTimeout(() => void this.#checkSilence(), silenceMs);
  }

  /** It may have been this process that did not get to run: then what was said comes before the answer of the bus. */
  async #checkSilence(): Promise<void> {
    const heard = this.#heard;
    const flushed = this.nc.flush().catch(() => undefined);
    await Promise.race([flushed, delay(flushTimeoutMs, undefined, { ref: false })]);
    if (heard === this.#heard && !this.#left) this.#fail(this.#silent());
  }

  #silent(): Error {
    if (this.nc.isClosed()) return new BusUnavailable('the bus is away; try again when it is back');
    return new Refusal('ingestion_unavailable', `the ingestion instance that answered was silent for ${silenceMs} ms`, {
      headers: { 'retry-after': '1' },
    });
  }

  #fail(error: Error): void {
    this.#error = error;
    this.#wake();
  }
}
