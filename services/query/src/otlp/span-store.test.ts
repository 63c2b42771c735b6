import { temporaryDirectory } from '@laminar/test';
import { expect, it } from 'vitest';
import { openSystemDatabase } from '../database.js';
import type { SpanRow } from './span-rows.js';
import { SpanStore } from './span-store.js';

const now = Date.UTC(2026, 10, 23, 12);
const hourMs = 60 * 60 * 1000;

function span(number: number): SpanRow {
  // A span's own times do not count: its sender may have been away.
  const time = '2018-12-13T14:51:00.000000000Z';
  return {
    trace_id: 'a'.repeat(32),
    span_id: String(number).padStart(16, '0'),
    parent_span_id: null,
    service: 's',
    name: 'n',
    kind: 'internal',
    start_time: time,
    end_time: time,
    duration_ms: 0,
    status: 'unset',
    attributes: '{}',
  };
}

it('keeps the newest 200,000 spans of the last day', async () => {
  const directory = await temporaryDirectory('spans');
  const database = openSystemDatabase(directory.path, () => undefined);
  const store = new SpanStore(database, () => undefined);
  try {
    const left = () => database.client.prepare('SELECT count(*), min(span_id) FROM spans').raw().get();
    store.add([span(1), span(2)]);
    store.prune(now);
    store.add([span(3)]);
    store.prune(now + 23 * hourMs);
    expect(left()).toEqual([3, span(1).span_id]);
    store.prune(now + 25 * hourMs);
    expect(left()).toEqual([1, span(3).span_id]);
    store.add(Array.from({ length: 230_000 }, (_, index) => span(10 + index)));
    store.prune(now + 26 * hourMs);
    expect(left()).toEqual([200_000, span(30_010).span_id]);
    expect(store.stored).toBe(230_003);
  } finally {
    store.stop();
    database.close();
    await directory.remove();
  }
});
