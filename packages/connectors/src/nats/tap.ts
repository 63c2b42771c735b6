import { isPositioned, type ResolvedConnection } from '@laminar/definitions';
import { DeliverPolicy } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/nats-core';
import { type Tap, Untappable } from '../contract.js';
import { startConfig } from './consumer-config.js';
import { CoreTap } from './core-tap.js';
import { viewOf } from './positioned/stream-view.js';
import { StreamTap } from './stream-tap.js';

/** What reads along with a connection: from where its definition says that reading begins, a store from its present entries on. */
export function tapOf(nc: NatsConnection, resolved: ResolvedConnection): Tap {
  if (resolved.role === 'source-core') return new CoreTap(nc, resolved);
  if (resolved.role === 'sink-core' || resolved.role === 'sink-jetstream')
    throw new Untappable('a sink cannot be read');
  if (!isPositioned(resolved)) {
    const { streamName: name, filterSubjects: filters, start } = resolved;
    return new StreamTap(nc, { name, filters, start: startConfig(start) });
  }
  const { stream: name, filters, start } = viewOf(resolved);
  const begin = start.from === 'current' ? { deliver_policy: DeliverPolicy.LastPerSubject } : startConfig(start);
  return new StreamTap(nc, { name, filters, start: begin });
}
