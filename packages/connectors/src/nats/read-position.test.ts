import { expect, it } from 'vitest';
import { incarnationOf, incarnationSince } from './read-position.js';

const hour = 3_600_000;
const createdMs = Date.parse('2026-03-29T12:00:00Z');
const known = incarnationOf({ created: new Date(createdMs - 24 * hour).toISOString() });

const stream = (firstMs: number | undefined) => ({
  created: new Date(createdMs).toISOString(),
  // As servers on their own say from 2.10 on.
  cluster: { leader: 'one' },
  state: { messages: firstMs === undefined ? 0 : 1, first_ts: new Date(firstMs ?? 0).toISOString() },
});
const own = incarnationOf(stream(undefined));

it.each<[string, number | undefined, number | undefined, string]>([
  ['holds nothing', undefined, undefined, own],
  ['holds only what came since', createdMs, createdMs - hour, own],
  ['was not seen since it was made anew but for a moment', createdMs + 1, createdMs + 5000, own],
  ['holds what was stored before it says that it was created', createdMs - 1, undefined, known],
  ['was seen as it was long after it says that it was created', createdMs + 2 * hour, createdMs + hour, known],
])('knows a stream again, or not, that %s', (_, firstMs, seenMs, incarnation) => {
  expect(incarnationSince(known, stream(firstMs), { seenMs })).toBe(incarnation);
});

it.each<[string, number, string]>([
  ['before it says that it was created', createdMs - 1, known],
  ['since', createdMs + 1, own],
])('knows a stream again, or not, that has a consumer from %s', (_, consumerMs, incarnation) => {
  const consumer = { created: new Date(consumerMs).toISOString() };
  expect(incarnationSince(known, stream(undefined), { consumer })).toBe(incarnation);
});

it('takes a stream for what it says where nothing else was known, where that was younger, and in a cluster', () => {
  const older = stream(createdMs - hour);
  expect(incarnationSince(undefined, older)).toBe(own);
  expect(incarnationSince((createdMs + hour).toString(36), older)).toBe(createdMs.toString(36));
  expect(incarnationSince(known, { ...older, cluster: { name: 'C', leader: 'one' } })).toBe(own);
});
