import { jetstreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/nats-core';
import { describePositionedReader, type PositionedSubject } from '../../positioned-reader.contract.js';

const streamOf = (subject: string) => subject.split('.')[0]?.toUpperCase() ?? '';

const overStream = {
  subjectOf: (own: number | 'forbidden') => (own === 'forbidden' ? 'forbidden.x' : `in${own}`),
  prepare: async () => undefined,
  streamOf,
};

const streamOptions = (subject: string) => ({
  jetstream: true,
  stream_name: streamOf(subject),
  stream_subjects: subject,
});

/** The subjects of a store, of which it keeps every message here. */
function overStore(prefix: string, subjectPrefix: string, middle: string): Omit<PositionedSubject, 'name' | 'options'> {
  const bucketOf = (subject: string) => subject.split('.')[1] ?? '';
  return {
    subjectOf: (own) => `${subjectPrefix}.${own === 'forbidden' ? 'FORBIDDEN' : `IN${own}`}${middle}.key`,
    streamOf: (subject) => `${prefix}_${bucketOf(subject)}`,
    async prepare(publisher: NatsConnection, subject: string) {
      const jsm = await jetstreamManager(publisher);
      const bucket = bucketOf(subject);
      await jsm.streams.add({ name: `${prefix}_${bucket}`, subjects: [`${subjectPrefix}.${bucket}.>`] });
    },
  };
}

describePositionedReader({
  ...overStream,
  name: 'an ordered consumer',
  options: (subject) => ({ ...streamOptions(subject), consumer_ordered: true }),
});

describePositionedReader({
  ...overStream,
  name: 'a consumer without a durable',
  options: (subject) => ({ ...streamOptions(subject), consumer_durable: false }),
});

describePositionedReader({
  ...overStore('KV', '$KV', ''),
  name: 'a KV bucket',
  options: (subject) => ({ jetstream: true, kv_bucket: subject.split('.')[1] ?? '' }),
});

describePositionedReader({
  ...overStore('OBJ', '$O', '.M'),
  name: 'an object store',
  options: (subject) => ({ jetstream: true, format: 'raw', object_bucket: subject.split('.')[1] ?? '' }),
});
