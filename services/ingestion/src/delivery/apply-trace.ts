import type { Kind } from '@laminar/protocol';
import { attributes, recordError, startSpan, traceparentOf } from '@laminar/telemetry';
import type { Cause } from '../desired/slot.js';

/** A definition that is applied again so much later, after a restart or a takeover, is no part of its request any more. */
const causeAgeMaxMs = 10 * 60_000;

export interface Applied {
  readonly kind: Kind;
  readonly name: string;
  readonly revision: number;
  readonly cause: Cause;
  readonly instance: string;
}

/** The trace of the request that caused something; undefined where there was none, or where it is too long ago. */
export function currentTraceparent({ traceparent, atMs }: Cause): string | undefined {
  return traceparent === '' || Date.now() - atMs > causeAgeMaxMs ? undefined : traceparent;
}

/** The part of a request's trace that lies between its event and the first message: `apply definition`, `start reader`. */
export class ApplyTrace {
  readonly #span: ReturnType<typeof startSpan>;
  /** Of the innermost span so far: what the first message belongs to. */
  traceparent: string;
  #ended = false;

  private constructor({ kind, name, revision, cause, instance }: Applied) {
    this.#span = startSpan('apply definition', {
      parent: cause.traceparent,
      attributes: {
        [attributes.kind]: kind,
        [attributes.definition]: name,
        [attributes.revision]: revision,
        [attributes.instance]: instance,
      },
    });
    this.traceparent = traceparentOf(this.#span);
  }

  /** Undefined where there is no request to belong to. */
  static begin(applied: Applied): ApplyTrace | undefined {
    return currentTraceparent(applied.cause) === undefined ? undefined : new ApplyTrace(applied);
  }

  /** Notes that a reader was started for this, at `startedAtMs` (Unix milliseconds). */
  readerStarted(connection: string, startedAtMs: number): void {
    const span = startSpan('start reader', {
      parent: this.traceparent,
      startTimeMs: startedAtMs,
      attributes: { [attributes.connection]: connection, [attributes.messagingSystem]: 'nats' },
    });
    this.traceparent = traceparentOf(span);
    span.end();
  }

  /** It is in effect, or was given up for the error. Idempotent. */
  end(error?: unknown): void {
    if (this.#ended) return;
    this.#ended = true;
    if (error !== undefined) recordError(this.#span, error);
    this.#span.end();
  }
}
