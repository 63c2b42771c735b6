import { resolveConnection } from '@laminar/definitions';
import { expect, it } from 'vitest';
import { provisionNote } from './provision-note.js';

const spec = {
  name: 'orders',
  revision: 1,
  incarnation: 1,
  cause: { traceparent: '', atMs: 1_000_000 },
  resolved: resolveConnection('orders', {
    connector: 'nats',
    options: { servers: 'h', type: 'source', format: 'json', jetstream: true, stream_name: 'S', subject: 's' },
  }),
};
const made = { drift: undefined, remark: undefined, isNew: true };

it('says nothing of a durable that is made with its connection', () => {
  expect(provisionNote(made, spec, 1_010_000)).toBeUndefined();
});

it('says that a durable was missing, where its connection is older', () => {
  expect(provisionNote(made, spec, 2_000_000)).toMatch(/missing.*option start/);
});

it('hands on what was said of one that was made again', () => {
  const again = { drift: undefined, remark: 'made again', isNew: false };
  expect(provisionNote(again, spec, 2_000_000)).toBe('made again');
});
