import { type ConsumerSource, subjectsOverlap } from '@laminar/definitions';
import type { ConsumerInfo, JetStreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/nats-core';
import { hasCode } from './errors.js';
import { StoredMessage } from './stored-message.js';

/** Sequences that are looked at when a consumer is adopted, at most. */
const sequencesMax = 2000;
const messageNotFound = 10037;

/** Of a message that may have run out of deliveries, or not. */
const interrupted = 'or it was acknowledged: looking for which of them were was interrupted';

/**
 * Tells of the messages of a consumer that ran out of deliveries, whoever reads by it: delivered, above the floor of what is acknowledged, and never to
 * come again. While nothing waits for an acknowledgement, the server's count of redelivered messages is the number of those. (Tried on 2.9.10 and 2.12.2: a
 * message that ran out leaves `num_ack_pending`, stays in `num_redelivered`, and leaves that too when it is acknowledged after all.) While something does,
 * nothing can be told, and nothing is. Ends early when `signal` is aborted.
 *
 * Asking moves the floor beyond all of them, so that nobody can look for them again: what is found is told of at once, and where the looking ends early,
 * so is every message that may be one, with this as its `problem`.
 */
export async function tellUnreported(
  nc: NatsConnection,
  jsm: JetStreamManager,
  source: ConsumerSource,
  signal: AbortSignal,
  tell: (message: StoredMessage, problem: string | undefined) => void,
): Promise<void> {
  const { streamName, consumer } = source;
  const info = await jsm.consumers.info(streamName, consumer.name);
  let count = exhaustedOf(info);
  if (count === 0) return;
  const candidates = await delivered(jsm, source, info, signal);
  if (signal.aborted) return;
  // Some of them may have been acknowledged, which the server does not say of a single one: but its count falls only by one that was not.
  for (let i = 0; i < candidates.length && count > 0; i++) {
    const tellRest = (problem: string | undefined) => {
      for (const candidate of candidates.slice(i)) tell(candidate, problem);
    };
    if (candidates.length - i <= count) return tellRest(undefined);
    if (signal.aborted) return tellRest(interrupted);
    const candidate = candidates[i] as StoredMessage;
    const left = await countWithout(nc, jsm, source, candidate).catch((error) => {
      tellRest(interrupted);
      throw error;
    });
    if (left < count) tell(candidate, undefined);
    count = left;
  }
}

/** How many the server counts once it takes this message for acknowledged. */
async function countWithout(
  nc: NatsConnection,
  jsm: JetStreamManager,
  source: ConsumerSource,
  { sequence, delivered }: StoredMessage,
): Promise<number> {
  nc.publish(ackSubject(source, sequence, delivered));
  await nc.flush();
  return exhaustedOf(await jsm.consumers.info(source.streamName, source.consumer.name));
}

const exhaustedOf = ({ num_ack_pending, num_redelivered }: ConsumerInfo): number =>
  num_ack_pending === 0 ? num_redelivered : 0;

/** What the consumer has delivered above its floor and the stream still holds, oldest first. */
async function delivered(
  jsm: JetStreamManager,
  { streamName, consumer, filterSubjects }: ConsumerSource,
  info: ConsumerInfo,
  signal: AbortSignal,
): Promise<StoredMessage[]> {
  const messages: StoredMessage[] = [];
  const first = info.ack_floor.stream_seq + 1;
  const last = Math.min(info.delivered.stream_seq, first + sequencesMax - 1);
  for (let seq = first; seq <= last && !signal.aborted; seq++) {
    const stored = await jsm.streams.getMessage(streamName, { seq }).catch((error) => {
      if (hasCode(error, messageNotFound)) return null;
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
