import { expect, it } from 'vitest';
import { Catalog } from '../catalog.js';
import type { Options } from '../option-value.js';
import { retryRefusal } from './retry.js';

const catalog = new Catalog();
const stream = { type: 'source', format: 'json', jetstream: true, stream_name: 'IN', subject: 'in' };
const sources: { readonly [name: string]: Options } = {
  acknowledged: stream,
  unacknowledged: { ...stream, consumer_ack_policy: 'none' },
};
for (const [index, [name, options]] of Object.entries(sources).entries())
  catalog.apply({
    kind: 'connection',
    name,
    version: 1,
    revision: index + 1,
    eventId: '',
    at: 0,
    actor: '',
    traceparent: '',
    body: {
      type: 'ConnectionCreated',
      definition: { connector: 'nats', options: { servers: 'nats://127.0.0.1:4222', ...options } },
    },
  });

it.each([
  ['acknowledged', {}, undefined],
  ['acknowledged', { reader: 'own' }, undefined],
  ['unacknowledged', {}, /and "unacknowledged" has no consumer with acknowledgements/],
  ['acknowledged', { reader: 'own', delivery: 'at_most_once' }, /the pipeline's own reader of "acknowledged" has no/],
  ['acknowledged', { reader: 'own', delivery: 'exactly_once' }, /the pipeline's own reader of "acknowledged" has no/],
])("says of on_error = 'retry' over %s with %j: %s", (source, options, reason) => {
  const refusal = retryRefusal({ name: 'p', options: { ...options, on_error: 'retry' }, reads: [source] }, catalog);
  if (reason) expect(refusal).toMatch(reason);
  else expect(refusal).toBeUndefined();
  expect(retryRefusal({ name: 'p', options, reads: [source] }, catalog)).toBeUndefined();
});
