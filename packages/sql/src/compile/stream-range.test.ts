import { jsonCodec } from '@laminar/codecs';
import { beforeAll, describe, expect, it } from 'vitest';
import { bindLiveQuery, compileQuery, decodedMessage, loadSql, narrowed, type StreamRange } from '../index.js';
import { message, relationsOf } from '../testing.js';
import { isEmptyRange } from './stream-range.js';

beforeAll(() => loadSql());

const source = { kind: 'source', name: 'events', jetstream: true, format: 'json' } as const;
const relations = relationsOf([
  source,
  {
    kind: 'table',
    name: 'seen',
    connection: 'events',
    source,
    columns: [
      { name: 'id', type: 'BIGINT' },
      { name: '_nats_sequence', type: 'BIGINT' },
      { name: '_nats_timestamp', type: 'TIMESTAMP' },
    ],
    includeMetadata: true,
  },
]);

const none: StreamRange = {
  fromSequence: undefined,
  toSequence: undefined,
  fromMicros: undefined,
  toMicros: undefined,
};
const narrow = (query: string) => narrowed(bindLiveQuery(query, relations).query);
const where = (condition: string) => narrow(`SELECT id FROM events WHERE ${condition}`).range;
const micros = (text: string) => Date.parse(text) * 1000;

describe('the range of a stream that WHERE asks for', () => {
  it('is what the bounds that are joined by AND have in common', () => {
    expect(where('_nats_sequence > 5')).toEqual({ ...none, fromSequence: 6 });
    expect(where('5 < _nats_sequence AND _nats_sequence <= 9 AND _nats_sequence < 100')).toEqual({
      ...none,
      fromSequence: 6,
      toSequence: 9,
    });
    expect(where('(n = 1 AND (_nats_sequence >= 5 AND ok)) AND _nats_sequence >= 2')).toMatchObject({
      fromSequence: 5,
    });
    expect(where('_nats_sequence = 7')).toEqual({ ...none, fromSequence: 7, toSequence: 7 });
    expect(where('_nats_sequence BETWEEN 2 AND 4')).toEqual({ ...none, fromSequence: 2, toSequence: 4 });
    expect(where("_nats_sequence > '5'")).toEqual({ ...none, fromSequence: 6 });
    expect(where("_nats_timestamp >= '2026-01-01 00:00:00' AND _nats_timestamp < '2026-01-02T00:00:00Z'")).toEqual({
      ...none,
      fromMicros: micros('2026-01-01T00:00:00Z'),
      toMicros: micros('2026-01-02T00:00:00Z') - 1,
    });
    expect(where("_nats_timestamp >= DATE '2026-01-01'")).toEqual({ ...none, fromMicros: micros('2026-01-01') });
  });

  it('of a UNION ALL holds those of its selects', () => {
    const range = (...conditions: string[]) =>
      narrow(conditions.map((condition) => `SELECT id FROM events WHERE ${condition}`).join(' UNION ALL ')).range;
    expect(range('_nats_sequence = 7', '_nats_sequence = 3', '_nats_sequence <= 2')).toEqual({
      ...none,
      toSequence: 7,
    });
    expect(range('_nats_sequence = 7', '_nats_sequence = 3')).toEqual({ ...none, fromSequence: 3, toSequence: 7 });
    expect(range('_nats_sequence = 7', 'ok')).toBeUndefined();
  });

  it('reaches through tables, CTEs and subqueries', () => {
    expect(narrow('SELECT id FROM seen WHERE _nats_sequence > 2').range).toMatchObject({ fromSequence: 3 });
    const cte =
      'WITH e AS (SELECT id, _nats_sequence AS s FROM seen WHERE _nats_sequence > 2) SELECT id FROM e WHERE s <= 8';
    expect(narrow(cte).range).toMatchObject({ fromSequence: 3, toSequence: 8 });
    expect(narrow('SELECT x FROM (SELECT id AS x, _nats_sequence AS s FROM events) q WHERE s = 4').range).toMatchObject(
      {
        fromSequence: 4,
        toSequence: 4,
      },
    );
  });

  it('takes constants only, and bounds that every row has to be within', () => {
    for (const condition of [
      'n > 5',
      '_nats_sequence > n',
      '_nats_sequence > 5 OR n = 1',
      'NOT _nats_sequence > 5',
      '_nats_sequence <> 5',
      '_nats_sequence + 1 > 5',
      '_nats_sequence > NULL',
      'n = 1 AND _nats_sequence > 1 / 0',
      '_nats_sequence = _nats_sequence',
      'CASE WHEN _nats_sequence > 5 THEN true END',
    ])
      expect(where(condition), condition).toBeUndefined();
    expect(narrow('SELECT _nats_sequence > 5 AS late FROM events').range).toBeUndefined();
  });

  it('has one moment for NOW(), of which no row is judged by another', async () => {
    const before = Date.now() * 1000;
    const { query, range } = narrow(
      "SELECT id FROM events WHERE _nats_timestamp > now() - interval '1 hour' AND _nats_timestamp <= now()",
    );
    const after = Date.now() * 1000;
    const hour = 3_600_000_000;
    expect(range?.fromMicros).toBeGreaterThan(before - hour);
    expect(range?.fromMicros).toBeLessThanOrEqual(after - hour + 1);
    const to = range?.toMicros ?? 0;
    expect(to).toBeGreaterThanOrEqual(before);
    const rows = (timestampMicros: number) =>
      compileQuery(query).process(
        decodedMessage(message('{"id":1}', { timestampMs: timestampMicros / 1000 }), jsonCodec),
      );
    while (Date.now() * 1000 <= to) await new Promise(setImmediate);
    expect([rows(to).length, rows(to + 1000).length]).toEqual([1, 0]);
  });

  it('may be empty', () => {
    expect(isEmptyRange({ ...none, fromSequence: 3, toSequence: 2 })).toBe(true);
    expect(isEmptyRange({ ...none, fromSequence: 3, toSequence: 3, toMicros: 5 })).toBe(false);
    expect(isEmptyRange({ ...none, fromMicros: 6, toMicros: 5 })).toBe(true);
  });
});
