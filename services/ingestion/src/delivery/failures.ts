import type { DecodeError, Message } from '@laminar/codecs';
import { ConnectorError } from '@laminar/connectors';
import type { OnError, Redelivery } from '@laminar/definitions';
import { RowError } from '@laminar/sql';
import type { SlotDeadLetters } from '../dead-letters/slot-dead-letters.js';
import type { DeadLetterLog } from '../logs/dead-letter-log.js';
import type { Flight } from './flight.js';
import type { Flights } from './flights.js';
import type { RunningPipeline } from './pipeline.js';
import { isBlocked } from './publication.js';
import { redeliveryDelayMs } from './redelivery.js';

export interface FailureOptions {
  /** For messages that no pipeline gets to see. */
  readonly onError: OnError;
  readonly deadLetters: Pick<SlotDeadLetters, 'publish' | 'ready'>;
  readonly deadLetterLog: DeadLetterLog;
  /** Undefined where nothing is delivered again: what should be is a dead letter at once. */
  readonly redelivery: Redelivery | undefined;
  /** `on_error = 'stop'` was met. */
  onStop(reason: string): void;
}

/** What becomes of a message that a pipeline fails at, or that cannot be decoded, as `on_error` says. A message without a flight is not acknowledged. */
export class Failures {
  constructor(
    readonly options: FailureOptions,
    readonly flights: Flights,
  ) {}

  undecodable(
    pipelines: readonly RunningPipeline[],
    message: Message,
    { message: reason }: DecodeError,
    flight: Flight | undefined,
  ): void {
    for (const { counters } of pipelines) {
      counters.errors++;
      counters.lastError = reason;
    }
    this.#apply(this.options.onError, pipelines, undefined, message, reason, flight);
  }

  failed(pipeline: RunningPipeline, message: Message, error: unknown, flight: Flight | undefined): void {
    const reason = reasonOf(error);
    pipeline.counters.errors++;
    pipeline.counters.lastError = reason;
    // A row that was not confirmed because its connection is gone is no fault of the row, and costs the message no delivery.
    if (isBlocked(error)) {
      if (flight) hold(flight, pipeline);
    } else this.#apply(pipeline.spec.onError, [pipeline], pipeline, message, reason, flight);
  }

  /** `pipeline` is undefined where all of `concerned` fail in the same way. */
  #apply(
    onError: OnError,
    concerned: readonly RunningPipeline[],
    pipeline: RunningPipeline | undefined,
    message: Message,
    reason: string,
    flight: Flight | undefined,
  ): void {
    if (onError === 'skip') return;
    if (onError === 'stop') this.options.onStop(reason);
    else if (onError !== 'retry' || flight === undefined || !this.#askAgain(flight, pipeline))
      this.#deadLetter(concerned, pipeline, message, reason, flight);
  }

  /** The message is to be delivered again, for this pipeline at least; false where there is no delivery left. */
  #askAgain(flight: Flight, pipeline: RunningPipeline | undefined): boolean {
    const { redelivery } = this.options;
    const delayMs = redelivery && redeliveryDelayMs(redelivery, flight.message.delivered ?? 1);
    if (delayMs === undefined) return false;
    flight.retryMs = delayMs;
    flight.owe(pipeline);
    return true;
  }

  #deadLetter(
    concerned: readonly RunningPipeline[],
    pipeline: RunningPipeline | undefined,
    message: Message,
    error: string,
    flight: Flight | undefined,
  ): void {
    const { deadLetters, deadLetterLog } = this.options;
    if (flight) flight.open++;
    deadLetters.publish({ pipeline: pipeline?.spec, message, error }, (failure) => {
      for (const { counters } of concerned) {
        if (failure) counters.lastError = `the dead letter was not kept: ${failure.message}`;
        else counters.deadLetters++;
      }
      if (!failure)
        deadLetterLog.kept({ pipeline: pipeline?.spec.name, subject: message.subject, sequence: message.sequence });
      if (!flight) return;
      if (failure) hold(flight, pipeline);
      this.flights.closeOne(flight);
    });
  }
}

/** The message stays here until this pipeline, or each of them, is done with it. */
export function hold(flight: Flight, pipeline: RunningPipeline | undefined): void {
  flight.held = true;
  flight.owe(pipeline);
}

/** What is said of an error of a row. */
export function reasonOf(error: unknown): string {
  if (error instanceof RowError || error instanceof ConnectorError) return error.message;
  return `the query failed unexpectedly: ${error instanceof Error ? error.message : String(error)}`;
}
