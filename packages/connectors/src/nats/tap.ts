import { isPositioned, type ResolvedConnection } from '@laminar/definitions';
import { DeliverPolicy } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/nats-core';
import { type Tap, type TapRange, Untappable } from '../contract.js';
import { startConfig } from './consumer-config.js';
import { CoreTap } from './core-tap.js';
import { viewOf } from './positioned/stream-view.js';
import { StreamTap } from './stream-tap.js';
import { rangeStart } from './tap-range.js';

/** What reads along with a connection: from where the range or else its definition says that reading begins, a store from its present entries on. */
export function tapOf(nc: NatsConnection, resolved: ResolvedConnection, range?: TapRange): Tap {
  if (resolved.role === 'source-core') return new CoreTap(nc, resolved);
  if (resolved.role === 'sink-core' || resolved.role === 'sink-jetstream')
    throw new Untappable('a sink cannot be read');
  const begin = range && rangeStart(range);
  if (!isPositioned(resolved)) {
    const { streamName: name, filterSubjects: filters, start } = resolved;
    return new StreamTap(nc, { name, filters, start: begin ?? startConfig(start), range, purpose: 'live query' });
  }
  const { stream: name, filters, mirrored, start } = viewOf(resolved);
  const beginning =
    start.from === 'current' ? { deliver_policy: DeliverPolicy.LastPerSubject } : (begin ?? startConfig(start));
  return new StreamTap(nc, { name, filters, mirrored, start: beginning, range, purpose: 'live query' });
}
