import { jsonCodec, type Message } from '@laminar/codecs';
import { bindQuery, compileQuery, decodedMessage, type Relation, type Relations } from './index.js';

/** How many generated cases are tried: all of them in a round of `npm run fuzz`, which has new ones; else a fifth, which are the same each time. */
export const cases = (count: number): number =>
  process.env.LAMINAR_TEST_SEED === undefined ? Math.ceil(count / 5) : count;

/** Relations that tests read and write. */
export const relations: Relations = relationsOf([
  { kind: 'source', name: 'orders', jetstream: false, format: 'json' },
  { kind: 'source', name: 'events', jetstream: true, format: 'json' },
  { kind: 'source', name: 'raw', jetstream: false, format: 'raw' },
  { kind: 'sink', name: 'out', jetstream: false, format: 'json' },
  {
    kind: 'table',
    name: 'items',
    connection: 'orders',
    source: { kind: 'source', name: 'orders', jetstream: false, format: 'json' },
    columns: [
      { name: 'id', type: 'BIGINT' },
      { name: 'itemName', type: 'TEXT' },
      { name: 'price', type: 'NUMERIC' },
      { name: 'at', type: 'TIMESTAMP' },
      { name: 'day', type: 'DATE' },
      { name: 'small', type: 'SMALLINT' },
      { name: 'real', type: 'REAL' },
      { name: 'blob', type: 'BYTEA' },
      { name: 'ok', type: 'BOOLEAN' },
      { name: 'data', type: 'JSON' },
      { name: 'payload', type: 'JSON' },
      { name: '_nats_subject', type: 'TEXT' },
    ],
    includeMetadata: true,
  },
  {
    kind: 'table',
    name: 'orphans',
    connection: 'nowhere',
    source: undefined,
    columns: [{ name: 'id', type: 'BIGINT' }],
    includeMetadata: false,
  },
]);

export function relationsOf(list: readonly Relation[]): Relations {
  const byName = new Map(list.map((relation) => [relation.name, relation]));
  return { get: (name) => byName.get(name), names: () => byName.keys() };
}

export function message(payload: string | Uint8Array, more: Partial<Message> = {}): Message {
  return {
    data: typeof payload === 'string' ? new TextEncoder().encode(payload) : payload,
    subject: 'orders.new',
    reply: undefined,
    headers: () => undefined,
    header: () => undefined,
    timestampMs: 1_000,
    sequence: undefined,
    stream: undefined,
    consumer: undefined,
    delivered: undefined,
    ...more,
  };
}

/** The rows that a query makes of a payload, as texts. */
export function run(query: string, payload: string, more: Partial<Message> = {}): string[] {
  const bound = bindQuery(query, relations);
  if (bound.status !== 'bound') throw new Error(bound.reason);
  const rows = compileQuery(bound.query).process(decodedMessage(message(payload, more), jsonCodec));
  return rows.map(({ data }) => new TextDecoder().decode(data));
}

/** The JSON text of one expression over a payload of `orders`. */
export function evaluate(expression: string, payload = '{}', from = 'orders'): string {
  const [row] = run(`SELECT ${expression} AS x FROM ${from}`, payload);
  return (row ?? '').replace(/^\{"x":/, '').replace(/\}$/, '');
}

/** An expression over `orders` that is left to the rows: within a CASE nothing is computed when the query is bound. */
export const atRow = (expression: string): string => `CASE WHEN payload IS NOT NULL THEN (${expression}) END`;
