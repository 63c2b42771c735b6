import type { NatsConnection } from '@nats-io/nats-core';
import type { NatsConnectionImpl } from '@nats-io/nats-core/internal';

/** How many subscriptions the server holds for a client, by the client's own book of them. */
export const subscriptionsOf = (nc: NatsConnection): number => (nc as NatsConnectionImpl).protocol.subscriptions.size();
