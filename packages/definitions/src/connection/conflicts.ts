import type { Catalog } from '../catalog.js';
import type { ConnectionDefinition } from '../definition.js';
import { sameData } from '../equal.js';
import { hasDurable } from './positioned.js';
import { type ConsumerSource, type ResolvedConnection, resolveConnection } from './resolve.js';

/**
 * Why this definition cannot stand beside the others: two connections that name one durable with
 * different settings would take turns in changing it. Undefined where all is well.
 */
export function connectionConflicts(
  name: string,
  definition: ConnectionDefinition,
  catalog: Catalog,
): string | undefined {
  const resolved = resolveConnection(name, definition);
  if (!hasDurable(resolved)) return undefined;
  for (const other of catalog.values('connection')) {
    if (other.name === name) continue;
    // A connection that cannot share a durable by its options alone is not worth resolving.
    if (other.definition.options.stream_name !== resolved.streamName) continue;
    const candidate = resolveConnection(other.name, other.definition);
    if (!hasDurable(candidate) || !sharesDurable(resolved, candidate)) continue;
    const theirs = consumerSettings(candidate);
    const differing = Object.entries(consumerSettings(resolved))
      .filter(([option, value]) => !sameData(value, theirs[option]))
      .map(([option]) => option);
    if (differing.length === 0) continue;
    return `the connection "${other.name}" has the consumer "${resolved.consumer.name}" of stream "${resolved.streamName}" with another ${differing.join(', ')}; make them the same, or give this one a consumer_name of its own`;
  }
  return undefined;
}

/** Whether two sources read by one durable, as far as their definitions tell. */
export function sharesDurable(a: ResolvedConnection, b: ResolvedConnection): boolean {
  return (
    hasDurable(a) &&
    hasDurable(b) &&
    a.streamName === b.streamName &&
    a.consumer.name === b.consumer.name &&
    a.servers.some((server) => b.servers.includes(server))
  );
}

/** What is set at the server for a durable, by the option that says it. */
function consumerSettings(source: ConsumerSource): { readonly [option: string]: unknown } {
  const { durable, ackPolicy, ackWaitMs, maxAckPending, maxDeliver, backoffMs } = source.consumer;
  return {
    consumer_pull: source.role,
    subject: source.filterSubjects,
    start: source.start,
    queue_group: source.role === 'source-push' ? source.deliverGroup : undefined,
    consumer_durable: durable,
    consumer_ack_policy: ackPolicy,
    consumer_ack_wait_s: ackWaitMs,
    consumer_max_ack_pending: maxAckPending,
    consumer_max_deliver: maxDeliver,
    consumer_backoff: backoffMs,
  };
}
