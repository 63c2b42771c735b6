import { type ConsumerSource, subjectsOverlap } from '@laminar/definitions';
import { type ConsumerInfo, type JetStreamManager, jetstream } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/nats-core';
import { apiCodes, hasCode } from './errors.js';
import { advisoriesOf, captureStreamOf, noticesWaiting } from './exhausted-capture.js';
import { StoredMessage } from './stored-message.js';

/** Sequences that are looked at when a consumer is adopted, at most. */
const sequencesMax = 2000;
/** The server answers an acknowledgement within that. */
const ackTimeoutMs = 5000;

export interface ExhaustedSearch {
  readonly nc: NatsConnection;
  readonly jsm: JetStreamManager;
  readonly source: ConsumerSource;
  /** Ends it: what was not found by then stays to be found. */
  readonly signal: AbortSignal;
}

/**
 * Looks for messages of a consumer that ran out of deliveries before anything captured it: delivered, above the floor of what is acknowledged, and never to come
 * again. While nothing waits for an acknowledgement, the server's count of redelivered messages is the number of those. (Tried on 2.9.10 and 2.12.2: a
 * message that ran out leaves `num_ack_pending`, stays in `num_redelivered`, and leaves that too when it is acknowledged after all.) While something does,
 * nothing can be told, and nothing is.
 *
 * Gives those that certainly are such messages. Where others among them were acknowledged, the capture stream gets a notice of each instead, as if the server had just given it up. Throws
 * what the server answers, and the signal's reason.
 */
export async function unreportedExhausted(search: ExhaustedSearch): Promise<StoredMessage[]> {
  const { jsm, source } = search;
  const notices = await noticesWaiting(jsm, source);
  // Those are told of first.
  if (notices !== undefined && notices > 0) return [];
  const info = await jsm.consumers.info(source.streamName, source.consumer.name);
  const wanted = exhaustedOf(info);
  if (wanted === 0) return [];
  const candidates = await delivered(search, info);
  if (candidates.length <= wanted) return candidates;
  if (notices !== undefined) await note(search, candidates, wanted);
  return [];
}

const exhaustedOf = ({ num_ack_pending, num_redelivered }: ConsumerInfo): number =>
  num_ack_pending === 0 ? num_redelivered : 0;

/** What the consumer has delivered above its floor and the stream still holds, oldest first. */
async function delivered({ jsm, source, signal }: ExhaustedSearch, info: ConsumerInfo): Promise<StoredMessage[]> {
  const { streamName, consumer, filterSubjects } = source;
  const messages: StoredMessage[] = [];
  const first = info.ack_floor.stream_seq + 1;
  const last = Math.min(info.delivered.stream_seq, first + sequencesMax - 1);
  for (let seq = first; seq <= last; seq++) {
    signal.throwIfAborted();
    const stored = await jsm.streams.getMessage(streamName, { seq }).catch((error) => {
      if (hasCode(error, apiCodes.messageNotFound)) return null;
      throw error;
    });
    if (!stored) continue;
    if (filterSubjects.length > 0 && !filterSubjects.some((filter) => subjectsOverlap(filter, stored.subject)))
      continue;
    messages.push(new StoredMessage(stored, streamName, consumer.name, consumer.maxDeliver));
  }
  return messages;
}

/**
 * The server does not say of a single message whether it was acknowledged: but its count falls by the acknowledgement of one that was not, and by no other.
 * Since that cannot be taken back, the notice is made before it, and removed where it was none: a crash in between makes one dead letter too many, and loses none.
 */
async function note(
  { nc, jsm, source, signal }: ExhaustedSearch,
  candidates: readonly StoredMessage[],
  wanted: number,
): Promise<void> {
  const { streamName, consumer } = source;
  let count = wanted;
  for (const { sequence, delivered } of candidates) {
    if (count === 0) return;
    signal.throwIfAborted();
    const notice = JSON.stringify({ stream_seq: sequence, deliveries: delivered });
    const { seq } = await jetstream(nc).publish(advisoriesOf(source), notice);
    // The server answers once it has taken note: it takes acknowledgements in later than what is asked behind them.
    await nc.request(ackSubject(source, sequence, delivered), undefined, { timeout: ackTimeoutMs });
    const left = exhaustedOf(await jsm.consumers.info(streamName, consumer.name));
    if (left === count) await jsm.streams.deleteMessage(captureStreamOf(source), seq);
    count = left;
  }
}

/** The reply subject of a delivery (NATS ADR-15), of which the server looks at the sequence in the stream alone for what it does not wait for. */
export const ackSubject = ({ streamName, consumer }: ConsumerSource, sequence: number, deliveries: number): string =>
  `$JS.ACK.${streamName}.${consumer.name}.${deliveries}.${sequence}.0.0.0`;
