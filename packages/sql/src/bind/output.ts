import { SqlError } from '../errors.js';
import type { SinkConnection, SourceConnection } from '../relations.js';
import type { Expression } from './expression.js';
import type { Output, OutputColumn } from './plan.js';
import type { Stage } from './stage.js';

/** With INSERT INTO, `payload` with `subject` and `headers` where wanted, and nothing else, is the message itself. */
export function outputOf({ star, columns, connection }: Stage, sink: SinkConnection | undefined): Output {
  if (star) return columns.length === 0 ? { shape: 'payload' } : extended(columns, connection);
  const byName = new Map(columns.map(({ name, expression }) => [name, expression]));
  const payload = byName.get('payload');
  const envelope = ['payload', 'subject', 'headers'];
  if (sink && payload && columns.every(({ name }) => envelope.includes(name))) {
    const body = sink.format === 'raw' ? rawBody(payload, sink) : 'json';
    return { shape: 'envelope', body, payload, subject: byName.get('subject'), headers: byName.get('headers') };
  }
  if (sink?.format === 'raw') throw noRawBody(sink, columns[0]?.expression.offset ?? 0);
  return { shape: 'object', columns };
}

function extended(columns: readonly OutputColumn[], { name, format }: SourceConnection): Output {
  if (format !== 'raw') return { shape: 'extended', columns, base: format === 'json' ? 'bytes' : 'value' };
  throw new SqlError(
    'type_mismatch',
    `SELECT *, ... adds to an object, but a message of "${name}" is of format raw`,
    columns[0]?.expression.offset ?? 0,
    'name the columns: SELECT data, ...',
  );
}

function rawBody({ type, offset }: Expression, sink: SinkConnection): 'raw' {
  if (type === 'TEXT' || type === 'BYTEA') return 'raw';
  throw noRawBody(sink, offset);
}

function noRawBody({ name }: SinkConnection, offset: number): SqlError {
  return new SqlError(
    'type_mismatch',
    `the sink "${name}" is of format raw: it takes messages as they came (SELECT *), or a body that is a TEXT or a BYTEA`,
    offset,
    'write SELECT CAST(... AS TEXT) AS payload, and subject and headers where wanted',
  );
}
