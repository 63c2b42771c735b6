import { type Batch, NumberMap } from '@laminar/connectors';
import { Flight } from './flight.js';
import type { RunningPipeline } from './pipeline.js';

/** What its sink could not take, and is held for that, is tried again that often. */
const heldRetryMs = 1000;
/** Messages of which it is remembered which pipelines are done with them, while they wait to be delivered again. */
const rememberedMax = 10_000;

/** A message that a pipeline asked for again. */
interface Refused {
  /** Pipelines that are done with it, by id. */
  readonly done: ReadonlySet<string>;
  /** Which delivery it was. */
  readonly delivered: number;
  /** Rows of the others may be out. */
  readonly uncertain: boolean;
}

export interface FlightsEvents {
  /** It is time to try again what is held. */
  onHeld(): void;
  /** A message is acknowledged. */
  onAcknowledged(flight: Flight): void;
  /** None is in flight any more. */
  onIdle(): void;
}

/** The messages of one reader that are in flight, by stream sequence: each is settled once nothing of it is open, unless it is held. */
export class Flights {
  readonly #bySequence = new NumberMap<Flight>();
  /** What is known of messages that were refused, and are to come again. */
  readonly #done = new Map<number, Refused>();
  #heldTimer: NodeJS.Timeout | undefined;

  constructor(readonly events: FlightsEvents) {}

  get size(): number {
    return this.#bySequence.size;
  }

  /** Undefined for a message that is delivered again before it was done: the first delivery's acknowledgement counts for both. */
  take(batch: Batch, index: number, startedMs: number, pipelines: readonly RunningPipeline[]): Flight | undefined {
    const message = batch.messages[index];
    const sequence = message?.sequence;
    if (message === undefined || sequence === undefined || this.#bySequence.has(sequence)) return undefined;
    const flight = new Flight(batch, index, message, sequence, startedMs, pipelines);
    this.#bySequence.set(sequence, flight);
    return flight;
  }

  /** Pipelines that were done with a message at its delivery before, by id; undefined where there was none, or none knows. */
  doneBefore({ message, sequence }: Flight): ReadonlySet<string> | undefined {
    return (message.delivered ?? 1) > 1 ? this.#done.get(sequence)?.done : undefined;
  }

  /**
   * Rows of the message may be out: it was delivered before, and not only here and without any being published; or stored by `repeatsUntilMs`, it may have been
   * (Unix milliseconds).
   */
  mayRepeat({ message, sequence }: Flight, repeatsUntilMs: number): boolean {
    const { delivered = 1 } = message;
    if (delivered === 1) return message.timestampMs <= repeatsUntilMs;
    const refused = this.#done.get(sequence);
    return refused === undefined || refused.uncertain || refused.delivered !== delivered - 1;
  }

  /** Something of the message has come to its end. */
  closeOne(flight: Flight): void {
    if (--flight.open > 0 || this.#bySequence.get(flight.sequence) !== flight) return;
    if (flight.held && flight.retryMs === undefined) {
      this.#heldTimer ??= setTimeout(() => {
        this.#heldTimer = undefined;
        this.events.onHeld();
      }, heldRetryMs);
      return;
    }
    this.#bySequence.delete(flight.sequence);
    if (flight.retryMs === undefined) {
      flight.batch.ack(flight.index);
      if (this.#done.size > 0) this.#done.delete(flight.sequence);
      this.events.onAcknowledged(flight);
    } else {
      this.#remember(flight);
      flight.batch.nak(flight.index, flight.retryMs);
    }
    if (this.#bySequence.size === 0) this.events.onIdle();
  }

  /** What is held, and nothing of it open. */
  held(): Flight[] {
    return this.#all().filter(({ held, open }) => held && open === 0);
  }

  /** Puts off the redelivery of what began before that time, on the monotonic clock. */
  keepAlive(beforeMs: number): void {
    for (const { batch, index, startedMs } of this.#all()) if (startedMs < beforeMs) batch.working(index);
  }

  /** Lets go of everything: it was not acknowledged. */
  forget(): void {
    clearTimeout(this.#heldTimer);
    this.#heldTimer = undefined;
    this.#bySequence.clear();
    this.events.onIdle();
  }

  #all(): Flight[] {
    return this.#bySequence.entries().map(([, flight]) => flight);
  }

  #remember(flight: Flight): void {
    if (this.#done.size >= rememberedMax) {
      const [oldest] = this.#done.keys();
      if (oldest !== undefined) this.#done.delete(oldest);
    }
    const { message, uncertain } = flight;
    this.#done.set(flight.sequence, { done: flight.done(), delivered: message.delivered ?? 1, uncertain });
  }
}
