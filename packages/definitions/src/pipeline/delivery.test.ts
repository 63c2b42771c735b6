import { beforeEach, describe, expect, it } from 'vitest';
import { Catalog } from '../catalog.js';
import type { Options } from '../option-value.js';
import { type Delivery, deliveryOf, deliveryRefusal, type QueryTraits } from './delivery.js';
import { takenStreamRefusal } from './sole-writer.js';

let catalog: Catalog;
let revision = 0;
function add(kind: 'connection' | 'pipeline', name: string, body: object): void {
  const metadata = { eventId: '', actor: '', traceparent: '', at: 0, version: 1, revision: ++revision };
  catalog.apply({ ...metadata, kind, name, body } as Parameters<Catalog['apply']>[0]);
}
const connection = (name: string, options: Options) =>
  add('connection', name, {
    type: 'ConnectionCreated',
    definition: { connector: 'nats', options: { servers: 'nats://127.0.0.1:4222', subject: name, ...options } },
  });
const pipeline = (name: string, writes: string, options: Options) =>
  add('pipeline', name, {
    type: 'PipelineCreated',
    definition: { query: '', desired: 'running', options, reads: [], writes, calls: [] },
  });

beforeEach(() => {
  catalog = new Catalog();
  const source = { type: 'source', format: 'json' };
  const stream = { ...source, jetstream: true, stream_name: 'IN' };
  connection('core', source);
  connection('pull', stream);
  connection('none', { ...stream, consumer_ack_policy: 'none' });
  connection('ordered', { ...stream, consumer_ordered: true });
  connection('retrying', { ...stream, consumer_max_deliver: 3 });
  connection('work', { ...stream, stream_subjects: 'work', stream_retention: 'workqueue' });
  connection('interest', { ...stream, stream_subjects: 'interest', stream_retention: 'interest' });
  connection('to_core', { type: 'sink' });
  connection('to_stream', { type: 'sink', jetstream: true, stream_name: 'OUT' });
  connection('to_some_stream', { type: 'sink', jetstream: true });
});

const own = { reader: 'own' };
const least = { delivery: 'at_least_once' };
const most = { delivery: 'at_most_once' };
const exactly = { delivery: 'exactly_once' };
const reading = (source: string, sink?: string, more: Partial<QueryTraits> = {}): QueryTraits => ({
  connections: [source],
  sink,
  readsDelivered: false,
  asks: [],
  deterministic: true,
  ...more,
});

describe('how a pipeline delivers', () => {
  const changing = { deterministic: false };
  it.each<[string, QueryTraits, Options, Delivery['guarantee'], Delivery['mode'], string]>([
    ['core', reading('core', 'to_stream'), {}, 'at_most_once', null, 'without JetStream'],
    ['core, asked for', reading('core'), most, 'at_most_once', null, 'without JetStream'],
    ['no acknowledgements', reading('none', 'to_stream'), {}, 'at_most_once', null, '"none" acknowledges nothing'],
    ['to core', reading('pull', 'to_core'), {}, 'at_least_once', null, 'without JetStream the output'],
    ['to the bus', reading('ordered'), {}, 'at_least_once', null, 'without JetStream the output'],
    ['NOW()', reading('pull', 'to_stream', changing), {}, 'at_least_once', null, 'NOW()'],
    ['JetStream', reading('pull', 'to_stream'), {}, 'exactly_once', 'S', 'duplicate window'],
    ['JetStream, asked for', reading('pull', 'to_stream'), exactly, 'exactly_once', 'S', 'duplicate window'],
    ['its own durable', reading('pull', 'to_stream'), own, 'exactly_once', 'S', 'duplicate window'],
    ['alone', reading('pull', 'to_stream'), { ...own, ...exactly }, 'exactly_once', 'C', 'the only writer'],
    ['less', reading('pull', 'to_stream'), least, 'at_least_once', null, 'asks for no more'],
    ['least', reading('pull', 'to_stream'), { ...own, ...most }, 'at_most_once', null, "pipeline's own reader"],
    ['two', reading('x', 'to_stream', { connections: ['pull', 'core'] }), {}, 'at_most_once', null, '"core"'],
  ])('is said for %s', (_, query, options, guarantee, mode, because) => {
    const pipeline = { name: 'p', options };
    expect(deliveryRefusal(query, pipeline, catalog)).toBeUndefined();
    const delivery = deliveryOf(query, pipeline, catalog);
    expect(delivery).toMatchObject({ guarantee, mode, because: expect.stringContaining(because) });
    expect(delivery.limits.length > 0).toBe(guarantee === 'exactly_once');
  });

  it('is limited by streams that are kept in memory', () => {
    const inMemory = { jetstream: true, stream_storage: 'memory' };
    connection('volatile', {
      ...inMemory,
      type: 'source',
      format: 'json',
      stream_subjects: 'volatile',
      stream_name: 'V',
    });
    connection('to_memory', { ...inMemory, type: 'sink', stream_subjects: 'to_memory', stream_name: 'M' });
    const limitsOf = (source: string, sink: string | undefined, options: Options = {}) =>
      deliveryOf(reading(source, sink), { name: 'p', options }, catalog).limits.filter((limit) =>
        limit.includes('memory'),
      );
    expect(limitsOf('pull', 'to_stream')).toEqual([]);
    expect(limitsOf('volatile', 'to_memory')).toEqual([
      expect.stringContaining('"volatile"'),
      expect.stringContaining('"to_memory"'),
    ]);
    expect(limitsOf('volatile', undefined)).toHaveLength(1);
    expect(limitsOf('pull', 'to_memory', least)).toHaveLength(1);
    expect(limitsOf('core', 'to_memory')).toEqual([]);
  });

  it.each<[string, QueryTraits, Options, 'delivery' | 'reader', string]>([
    ['more than core gives', reading('core', 'to_stream'), least, 'delivery', 'without JetStream'],
    ['more than a core sink', reading('pull', 'to_core'), exactly, 'delivery', "'at_least_once'"],
    ['more than NOW() gives', reading('pull', 'to_stream', changing), exactly, 'delivery', 'NOW()'],
    ['at most once of a shared durable', reading('pull'), most, 'delivery', "reader = 'own'"],
    ['a reader over core', reading('core'), own, 'reader', 'without JetStream'],
    ['a reader over a work queue', reading('work'), own, 'reader', 'work queue'],
    ['a durable over an ordered source', reading('ordered'), own, 'reader', 'without a durable'],
    [
      'alone, with retries',
      reading('retrying', 'to_stream'),
      { ...own, ...exactly },
      'delivery',
      "on_error = 'dead_letter'",
    ],
    [
      'alone, over a stream by interest',
      reading('interest', 'to_stream'),
      { ...own, ...exactly },
      'reader',
      'for which alone the stream keeps messages',
    ],
    ['alone, in some stream', reading('pull', 'to_some_stream'), { ...own, ...exactly }, 'delivery', 'stream_name'],
  ])('refuses %s', (_, query, options, option, reason) => {
    const refusal = deliveryRefusal(query, { name: 'p', options }, catalog);
    expect(refusal).toMatchObject({ option, reason: expect.stringContaining(reason) });
  });

  it('refuses two writers where one is to be alone, whichever comes second', () => {
    pipeline('other', 'to_stream', {});
    const alone = { name: 'p', options: { ...own, ...exactly } };
    expect(deliveryRefusal(reading('pull', 'to_stream'), alone, catalog)?.reason).toContain('"other" does');
    pipeline('other', 'to_stream', alone.options);
    expect(takenStreamRefusal('to_stream', { name: 'p', options: {} }, catalog)).toContain('"other"');
    expect(takenStreamRefusal('to_stream', { name: 'other', options: {} }, catalog)).toBeUndefined();
    expect(takenStreamRefusal('to_core', { name: 'p', options: {} }, catalog)).toBeUndefined();
  });
});
