import type { ConsumerSpec } from '@laminar/definitions';
import type { NatsConnection } from '@nats-io/nats-core';
import { AllAcknowledgement } from './acknowledge-all.js';
import { ExplicitAcknowledgement } from './acknowledge-each.js';
import { NoAcknowledgement } from './acknowledge-none.js';
import type { Acknowledgement, Answer } from './acknowledgement.js';
import { Outbound } from './outbound.js';

/** By the consumer's policy. What is settled in one turn is told in one write. Of a closed connection nothing is settled: what it delivered comes again. */
export function acknowledgementOf(nc: NatsConnection, consumer: ConsumerSpec): Acknowledgement {
  const outbound = Outbound.of(nc);
  const answer: Answer = (message, payload) => {
    if (!nc.isClosed()) outbound.answer(message.answerTo, payload);
  };
  const { maxDeliver, ackPolicy } = consumer;
  if (ackPolicy === 'none') return new NoAcknowledgement();
  if (ackPolicy === 'all') return new AllAcknowledgement(answer, maxDeliver);
  return new ExplicitAcknowledgement(answer, consumer);
}
