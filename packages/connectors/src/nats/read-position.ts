import type { ConsumerInfo, StreamInfo } from '@nats-io/jetstream';
import { timestampMsOf } from './timestamp.js';

/** A place in a stream, up to which everything is done. */
export interface ReadPosition {
  /** Tells the stream from one of the same name. */
  readonly incarnation: string;
  readonly sequence: number;
}

/**
 * How far a source was read, for as long as somebody runs it: a durable that was deleted meanwhile is made again from there. What outlives the process is
 * the durable itself, and what was last seen of it.
 */
export class PositionMemory {
  position: ReadPosition | undefined;
}

/** The sequence up to which everything that a consumer had to deliver is done, as far as the server knows. It says 0 for the floor of one by which nothing was acknowledged, wherever that began. */
export function floorOf({ delivered, ack_floor, config }: ConsumerInfo): number {
  if (delivered.consumer_seq === 0) return delivered.stream_seq;
  return Math.max(ack_floor.stream_seq, (config.opt_start_seq ?? 1) - 1);
}

/** Of a stream, by when it was created. */
export const incarnationOf = ({ created }: { readonly created: string }): string => Date.parse(created).toString(36);

/** The clocks of who keeps positions and of the stream's server may differ by that much, and a reader need that long to notice that its stream is another one. */
const marginMs = 60_000;

/** What else is known of a stream. */
export interface StreamEvidence {
  /** When it was seen as what it was before, in Unix milliseconds by the clock of who keeps positions. */
  readonly seenMs?: number | undefined;
  /** One of its consumers. */
  readonly consumer?: Pick<ConsumerInfo, 'created'>;
}

/**
 * The incarnation of a stream, of which one was known before: that one, unless it was deleted and made anew. A nats-server on its own whose stream was changed between two of its
 * restarts says from then on that it was created at the first of them (2.9 and 2.12 alike). But a new stream holds nothing that was stored before it was created, has no consumer from
 * before that, and was not seen as what it was before long after that.
 */
export function incarnationSince(
  known: string | undefined,
  stream: Pick<StreamInfo, 'created' | 'cluster'> & {
    readonly state: Pick<StreamInfo['state'], 'messages' | 'first_ts'>;
  },
  { seenMs = Number.NEGATIVE_INFINITY, consumer }: StreamEvidence = {},
): string {
  const incarnation = incarnationOf(stream);
  const createdMs = Date.parse(stream.created);
  const isCandidate = known !== undefined && !stream.cluster?.name && Number.parseInt(known, 36) < createdMs;
  if (!isCandidate) return incarnation;
  const holdsOlder = stream.state.messages > 0 && timestampMsOf(stream.state.first_ts) < createdMs;
  const hadConsumer = consumer !== undefined && Date.parse(consumer.created) < createdMs;
  return holdsOlder || hadConsumer || seenMs > createdMs + marginMs ? known : incarnation;
}
