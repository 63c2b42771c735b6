import type { NatsConnection, QueuedIterator, Status } from '@nats-io/nats-core';

/** Tells `onStatus`, which must not throw, what the client says of its connection, until the function that is given back is called. */
export function followStatus(nc: NatsConnection, onStatus: (status: Status) => void): () => void {
  // The client's types promise an iterable only; without `stop` a connection would keep a queue for each that ever listened.
  const statuses = nc.status() as AsyncIterable<Status> & Pick<QueuedIterator<Status>, 'stop'>;
  void (async () => {
    for await (const status of statuses) onStatus(status);
  })();
  return () => statuses.stop();
}
