import { ConnectorError, NotPermitted, Overrun, Untappable } from '@laminar/connectors';
import { laminar } from '@laminar/protocol';
import { SqlError } from '@laminar/sql';
import type { Event } from './asker.js';

const { LiveFailure } = laminar.v1;
export const failureKinds = LiveFailure.Kind;
export type FailureKind = laminar.v1.LiveFailure.Kind;

/** Why a live query could not go on, as its asker is told. */
export class LiveFailed extends Error {
  constructor(
    readonly kind: FailureKind,
    message: string,
  ) {
    super(message);
  }
}

/** The last event of a query that could not go on. */
export function failureOf(error: unknown): Event {
  const message = error instanceof Error ? error.message : String(error);
  if (error instanceof SqlError) {
    const { hint, offset, code } = error;
    const told = hint === undefined ? message : `${message}; ${hint}`;
    return { failure: { kind: failureKinds.KIND_QUERY, message: told, offset, code } };
  }
  if (error instanceof LiveFailed) return { failure: { kind: error.kind, message } };
  if (error instanceof Untappable) return { failure: { kind: failureKinds.KIND_UNSUPPORTED, message } };
  if (error instanceof NotPermitted) return { failure: { kind: failureKinds.KIND_NOT_PERMITTED, message } };
  if (error instanceof Overrun) return { failure: { kind: failureKinds.KIND_TOO_FAST, message } };
  const what = error instanceof ConnectorError ? message : `unexpected: ${message}`;
  return { failure: { kind: failureKinds.KIND_CONNECTION, message: what } };
}
