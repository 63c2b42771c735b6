import { type JetStreamManager, type JetStreamManagerOptions, jetstreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/nats-core';

/** JetStream's API of a user's server. Nothing is asked for that: who may read one stream need not be allowed to ask for the account's figures (`$JS.API.INFO`). */
export const managerOf = (nc: NatsConnection, options: JetStreamManagerOptions = {}): Promise<JetStreamManager> =>
  jetstreamManager(nc, { ...options, checkAPI: false });
