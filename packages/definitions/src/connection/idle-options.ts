import type { ConnectionDefinition } from '../definition.js';
import type { Options } from '../option-value.js';
import type { ConnectionOptionName } from './options.js';
import { hasConsumer, isSink, type OnError, resolveConnection } from './resolve.js';

/** An option that is given and does nothing as things are. */
export interface IdleOption {
  readonly option: ConnectionOptionName;
  /** What would give it an effect. */
  readonly why: string;
}

/**
 * The options of a connection without an effect as the others and its pipelines are now. A change elsewhere may give them one, which is why they are taken, and told of; what never has
 * any is refused (`connectionIssues`, of which there must be none). `pipelinesOnError` is what the pipelines that read it do with their own errors, asked for only where it matters.
 */
export function idleOptions(
  definition: ConnectionDefinition,
  pipelinesOnError: () => ReadonlySet<OnError>,
): IdleOption[] {
  const { options } = definition;
  const given = (name: ConnectionOptionName) => options[name] !== undefined;
  const idle: IdleOption[] = [...idleReconnecting(options)];
  const resolved = resolveConnection('', definition);
  if (isSink(resolved)) {
    if (given('stream_name') && !given('stream_subjects'))
      idle.push({
        option: 'stream_name',
        why: 'rows go to whichever stream takes the subject; with stream_subjects this one is created where it is missing',
      });
    return idle;
  }
  const some = (...wanted: OnError[]) =>
    wanted.some((onError) => onError === resolved.onError || pipelinesOnError().has(onError));
  if (given('consumer_backoff') && !some('retry'))
    idle.push({
      option: 'consumer_backoff',
      why: "it is waited between deliveries of a message that failed, and nothing is retried: set consumer_max_deliver to more than 1, or on_error = 'retry' here or in a pipeline",
    });
  const countsDeliveries = hasConsumer(resolved) && resolved.consumer.maxDeliver > 0;
  if (given('dead_letter_subject') && !countsDeliveries && !some('dead_letter', 'retry'))
    idle.push({
      option: 'dead_letter_subject',
      why: `with on_error = '${resolved.onError}' there are no dead letters; set it to 'dead_letter' here or in a pipeline`,
    });
  if (given('batch_timeout_ms') && resolved.batchTimeoutMs > 0 && resolved.batchSize === 1)
    idle.push({ option: 'batch_timeout_ms', why: 'with batch_size = 1 every batch is full at once' });
  if (hasConsumer(resolved) && !resolved.consumer.durable) {
    const { role, consumer } = resolved;
    if (role === 'source-push')
      idle.push({
        option: 'consumer_pull',
        why: 'without a durable the mesh keeps the position, and asks for messages by their number; leave consumer_durable out for a push consumer',
      });
    if (consumer.ackPolicy === 'all')
      idle.push({
        option: 'consumer_ack_policy',
        why: 'without a durable the mesh keeps the position, up to which everything is done under any policy but none',
      });
  }
  return idle;
}

function idleReconnecting({ max_reconnects, reconnect_wait_ms, reconnect_jitter_ms }: Options): IdleOption[] {
  if (max_reconnects !== 0) return [];
  const why = 'with max_reconnects = 0 a lost connection is failed at once, and is tried afresh every 30 s';
  const idle: IdleOption[] = [];
  if (reconnect_wait_ms !== undefined) idle.push({ option: 'reconnect_wait_ms', why });
  if (reconnect_jitter_ms !== undefined) idle.push({ option: 'reconnect_jitter_ms', why });
  return idle;
}
