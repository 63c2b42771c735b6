import type { ConnectionOptions } from '@nats-io/nats-core';

const waitMs = 250;
const jitterMs = 250;

/**
 * When the bus is dialled again: after a wait since the last attempt, without end. The client takes the time since then from the wall clock, and
 * would wait an hour longer where that went back by an hour: then it is dialled at once.
 */
export function busReconnects(): Pick<
  ConnectionOptions,
  'maxReconnectAttempts' | 'reconnectDelayHandler' | 'reconnectToServer'
> {
  let lastDialMs = 0;
  return {
    maxReconnectAttempts: -1,
    reconnectDelayHandler: () => {
      const sinceMs = Date.now() - lastDialMs;
      // From the last attempt, which is in the future now.
      return sinceMs < 0 ? sinceMs : waitMs + Math.floor(Math.random() * (jitterMs + 1));
    },
    reconnectToServer: () => {
      lastDialMs = Date.now();
      // As the client has chosen.
      return null;
    },
  };
}
