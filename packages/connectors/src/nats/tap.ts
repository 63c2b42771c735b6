import type { ResolvedConnection } from '@laminar/definitions';
import type { NatsConnection } from '@nats-io/nats-core';
import { type Tap, Untappable } from '../contract.js';
import { CoreTap } from './core-tap.js';
import { StreamTap } from './stream-tap.js';

/** What reads along with a connection, by its role. A role that is added here can be queried live. */
export function tapOf(nc: NatsConnection, resolved: ResolvedConnection): Tap {
  switch (resolved.role) {
    case 'source-core':
      return new CoreTap(nc, resolved);
    case 'source-pull':
    case 'source-push':
    case 'source-ordered':
      return new StreamTap(nc, resolved);
    case 'source-kv':
      throw new Untappable('a connection that watches a KV bucket cannot be queried live yet; read it by a pipeline');
    case 'source-object':
      throw new Untappable(
        'a connection that watches an object store cannot be queried live yet; read it by a pipeline',
      );
    case 'sink-core':
    case 'sink-jetstream':
      throw new Untappable('a sink cannot be read');
  }
}
