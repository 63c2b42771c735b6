import { JetStreamApiError } from '@nats-io/jetstream';
import { type NatsConnection, NoRespondersError, PermissionViolationError, TimeoutError } from '@nats-io/nats-core';
import { ConnectorError } from '../contract.js';

/** Error codes of the JetStream API (nats-server, server/errors.json). */
export const apiCodes = {
  consumerNotFound: 10014,
  messageNotFound: 10037,
  notEnabledForAccount: 10039,
  streamNotFound: 10059,
} as const;

/** An error of the client or server as one that says what to do about it. `what` is what was tried, such as `creating the stream "ORDERS"`. */
export function connectorError(what: string, error: unknown): ConnectorError {
  if (error instanceof ConnectorError) return error;
  const why = error instanceof Error ? error.message : String(error);
  if (
    (error instanceof Error && error.name === 'JetStreamNotEnabled') ||
    hasCode(error, apiCodes.notEnabledForAccount)
  ) {
    return new ConnectorError(
      'blocked',
      `${what} failed: the server has no JetStream for this account; enable it, or leave jetstream out`,
      { cause: error },
    );
  }
  if (error instanceof NoRespondersError || error instanceof TimeoutError) {
    return new ConnectorError('blocked', `${what} failed: JetStream does not answer (${why})`, { cause: error });
  }
  if (error instanceof PermissionViolationError)
    return new ConnectorError('failed', `${what} failed: ${why}`, { cause: error });
  return new ConnectorError('blocked', `${what} failed: ${why}`, { cause: error });
}

/** For an `open` that finds its reader closed, or stopped, meanwhile. */
export const closedWhileOpening = (): ConnectorError =>
  new ConnectorError('blocked', 'the reader was closed while it opened');

/** Whether the server does not let the client publish there; a request says so by its cause. */
export function isNotPermitted(error: unknown): boolean {
  return (
    error instanceof PermissionViolationError ||
    (error instanceof Error && error.cause instanceof PermissionViolationError)
  );
}

export function hasCode(error: unknown, code: number): boolean {
  return error instanceof JetStreamApiError && error.code === code;
}

/** Why a message cannot be handed to the client: it is too large for the server, or the connection has ended. */
export function publishError(nc: NatsConnection, subject: string, data: Uint8Array, cause: unknown): ConnectorError {
  const why = cause instanceof Error ? cause.message : String(cause);
  return new ConnectorError(
    nc.isClosed() || nc.isDraining() ? 'blocked' : 'failed',
    `a message of ${data.length} bytes cannot be published to ${subject}: ${why}`,
    { cause },
  );
}
