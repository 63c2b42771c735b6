import { type ConsumerSource, subjectsOverlap } from '@laminar/definitions';
import type { ConsumerInfo, JetStreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/nats-core';
import { apiCodes, hasCode } from './errors.js';
import { StoredMessage } from './stored-message.js';

/** Sequences that are looked at when a consumer is adopted, at most. */
const sequencesMax = 2000;

/**
 * Messages of a consumer that ran out of deliveries, whoever reads by it: delivered, above the floor of what is acknowledged, and never to come
 * again. While nothing waits for an acknowledgement, the server's count of redelivered messages is the number of those. (Tried on 2.9.10 and 2.12.2: a
 * message that ran out leaves `num_ack_pending`, stays in `num_redelivered`, and leaves that too when it is acknowledged after all.) While something does,
 * nothing can be told, and nothing is.
 */
export async function unreportedExhausted(
  nc: NatsConnection,
  jsm: JetStreamManager,
  source: ConsumerSource,
): Promise<StoredMessage[]> {
  const { streamName, consumer } = source;
  const info = await jsm.consumers.info(streamName, consumer.name);
  const wanted = exhaustedOf(info);
  if (wanted === 0) return [];
  const candidates = await delivered(jsm, source, info);
  if (candidates.length <= wanted) return candidates;
  // Some of them were acknowledged, which the server does not say of a single one: but its count falls only by one that was not.
  const found: StoredMessage[] = [];
  for (let count = wanted; count > 0 && candidates.length > 0; ) {
    const candidate = candidates.shift();
    if (!candidate) break;
    nc.publish(ackSubject(source, candidate.sequence, candidate.delivered));
    await nc.flush();
    const left = exhaustedOf(await jsm.consumers.info(streamName, consumer.name));
    if (left < count) found.push(candidate);
    count = left;
  }
  return found;
}

const exhaustedOf = ({ num_ack_pending, num_redelivered }: ConsumerInfo): number =>
  num_ack_pending === 0 ? num_redelivered : 0;

/** What the consumer has delivered above its floor and the stream still holds, oldest first. */
async function delivered(
  jsm: JetStreamManager,
  { streamName, consumer, filterSubjects }: ConsumerSource,
  info: ConsumerInfo,
): Promise<StoredMessage[]> {
  const messages: StoredMessage[] = [];
  const first = info.ack_floor.stream_seq + 1;
  const last = Math.min(info.delivered.stream_seq, first + sequencesMax - 1);
  for (let seq = first; seq <= last; seq++) {
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

/** The reply subject of a delivery (NATS ADR-15), of which the server looks at the sequence in the stream alone for what it does not wait for. */
export const ackSubject = ({ streamName, consumer }: ConsumerSource, sequence: number, deliveries: number): string =>
  `$JS.ACK.${streamName}.${consumer.name}.${deliveries}.${sequence}.0.0.0`;
