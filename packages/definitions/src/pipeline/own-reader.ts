import { hasDurable } from '../connection/positioned.js';
import {
  type ConsumerSource,
  hasConsumer,
  isSink,
  type OrderedSource,
  type ResolvedConnection,
} from '../connection/resolve.js';
import type { Options } from '../option-value.js';

/** nats-server takes no longer name of a consumer. */
const consumerNameMax = 255;

/** A pipeline as far as its own reader depends on it. */
export interface ReadingPipeline {
  readonly name: string;
  readonly options: Options;
}

/** The pipeline shares the reader of no connection. */
export const hasOwnReader = ({ reader }: Options): boolean => reader === 'own';

/** The pipeline is the only writer of its output stream, and reads by the sequence of its source. */
export const isSoleWriter = (options: Options): boolean => hasOwnReader(options) && options.delivery === 'exactly_once';

/** Why a pipeline cannot have a reader of its own over this source; undefined where it can, or does not ask for one. */
export function ownReaderRefusal(
  { name, options }: ReadingPipeline,
  connection: string,
  source: ResolvedConnection,
): string | undefined {
  if (!hasOwnReader(options)) return undefined;
  const refuse = (why: string) => `reader = 'own' does not hold over "${connection}": ${why}; leave reader out`;
  if (source.role === 'source-core')
    return refuse(
      'without JetStream the server keeps no place for a reader, and every reader gets its messages anyway',
    );
  if (isSink(source) || source.role === 'source-kv' || source.role === 'source-object')
    return refuse('only a stream that is read by its subjects has consumers of its own');
  if (source.stream?.retention === 'workqueue') return refuse('a work queue gives each message to one consumer alone');
  if (isSoleWriter(options))
    return source.stream?.retention === 'interest'
      ? "delivery = 'exactly_once' with reader = 'own' does not hold over a stream by interest: such a reader has no durable, for which alone the stream keeps messages; leave reader out"
      : undefined;
  if (!hasDurable(source)) return refuse('the connection reads without a durable');
  if (ownConsumerName(source, name).length > consumerNameMax)
    return refuse(`the consumer's name would be longer than ${consumerNameMax} characters`);
  return undefined;
}

/**
 * The source as a pipeline reads it that has a reader of its own: by a durable of its own, which acknowledges nothing where a row may be lost but never come twice; or, of a sole
 * writer, in order and by sequence. The pipeline must have no `ownReaderRefusal`.
 */
export function ownReading(
  { name, options }: ReadingPipeline,
  source: ResolvedConnection,
): ConsumerSource | OrderedSource | undefined {
  if (!hasOwnReader(options)) return undefined;
  if (isSoleWriter(options)) {
    if (source.role === 'source-ordered') return source;
    return hasConsumer(source) ? { ...source, role: 'source-ordered' } : undefined;
  }
  if (!hasDurable(source)) return undefined;
  const unacknowledged = { ackPolicy: 'none', maxDeliver: -1, backoffMs: [] } as const;
  const consumer = {
    ...source.consumer,
    name: ownConsumerName(source, name),
    ...(options.delivery === 'at_most_once' ? unacknowledged : {}),
  };
  return source.role === 'source-push' ? { ...source, consumer, deliverGroup: undefined } : { ...source, consumer };
}

const ownConsumerName = ({ consumer }: ConsumerSource, pipeline: string): string => `${consumer.name}-${pipeline}`;
