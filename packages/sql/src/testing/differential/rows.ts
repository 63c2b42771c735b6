import type { ColumnType } from '@laminar/definitions';
import type { Relations } from '../../relations.js';
import { relationsOf } from '../../testing.js';

/** The columns of the table that both sides compute over. */
export const columns: { readonly [name: string]: ColumnType } = {
  t: 'TEXT',
  u: 'TEXT',
  b: 'BOOLEAN',
  s: 'SMALLINT',
  i: 'INTEGER',
  k: 'INTEGER',
  l: 'BIGINT',
  r: 'REAL',
  d: 'DOUBLE PRECISION',
  e: 'DOUBLE PRECISION',
  n: 'NUMERIC',
  m: 'NUMERIC',
  ts: 'TIMESTAMP',
  tz: 'TIMESTAMP',
  dt: 'DATE',
  by: 'BYTEA',
  j: 'JSON',
  ta: 'TEXT[]',
  ia: 'INTEGER[]',
};

/** Values of a column that are tried: usual ones, extremes, and NULL. As texts that both sides read, arrays as lists of them. */
type Value = string | null | readonly (string | null)[];
const values: { readonly [column: string]: readonly Value[] } = {
  t: [
    '',
    'abc',
    'Hello World',
    'Größe ß',
    '😀x😀',
    '  pad  ',
    '42',
    "it's",
    'a,b,,c',
    '2026-03-29',
    'ΑΣ İ',
    'a\\b%_',
    'true',
    null,
  ],
  u: ['a', 'b', 'o', '', ' ', 'World', 'x😀', ',', '%', '3.5', 'hour', null],
  b: ['true', 'false', null],
  s: ['0', '1', '-1', '7', '32767', '-32768', null],
  i: ['0', '1', '2', '3', '-2', '5', '100', '2147483647', '-2147483647', null],
  k: ['1', '2', '4', '-3', '10', '0', null],
  l: ['0', '1', '-5', '1000000007', '9007199254740993', '9223372036854775807', '-9223372036854775808', null],
  r: ['0', '1.5', '-2.25', '3.4e38', '1e-30', '0.1', 'NaN', null],
  d: ['0', '1', '-1.5', '2.5', '0.1', '1e308', '1e-300', '123456789.125', 'Infinity', 'NaN', '-0', null],
  e: ['1', '-2', '0.5', '3', '1e15', '100', '-Infinity', null],
  n: ['0', '1.10', '-2.5', '3', '12345678901234567890.123456789', '0.00001', '-99999999.99', '1e20', null],
  m: ['1', '3', '-7', '0.5', '2.50', '1000000', '0', null],
  ts: [
    '2026-03-29 01:30:00',
    '1970-01-01',
    '1999-12-31 23:59:59.999999',
    '2024-02-29 12:00:00.5',
    '0001-01-01',
    '9999-12-31 23:59:59.999999',
    '2000-01-31',
    null,
  ],
  tz: ['2026-03-29 00:00:00', '2025-12-31 23:59:59', '1969-07-20 20:17:40.25', '2024-02-28', null],
  dt: ['2026-03-29', '1970-01-01', '2024-02-29', '0001-01-01', '9999-12-31', '2000-12-31', null],
  by: ['\\x', '\\x00ff', '\\x616263', '\\xc3a9', null],
  j: [
    '{"a":1,"b":"x","c":[1,2,3],"d":{"e":true}}',
    '{}',
    '[]',
    '[1,"a",{"b":2}]',
    '{"a":"x","z":null}',
    '[[1],[2,3]]',
    null,
  ],
  ta: [['a', 'b'], [], ['x', null, 'x'], ['a b', 'c,d', '"', '\\', ''], null],
  ia: [['1', '2', '3'], [], ['5', null], ['-1', '-1', '7'], null],
};

export type Row = { readonly [column: string]: Value };

/** Rows of which each value of each column is in one at least; `pick` gives numbers from 0 below its argument. */
export function rowsOf(count: number, pick: (below: number) => number): Row[] {
  return Array.from({ length: count }, (_, row) =>
    Object.fromEntries(
      Object.entries(values).map(([column, all]) => [column, all[(row + pick(all.length)) % all.length] ?? null]),
    ),
  );
}

/** A row as the message that the table reads. */
export const messageOf = (row: Row): string =>
  JSON.stringify({ ...row, j: typeof row.j === 'string' ? JSON.parse(row.j) : null });

/** A row as PostgreSQL's VALUES take it. */
export function sqlOf(row: Row, number: number): string {
  const cells = Object.entries(columns).map(([name, type]) => {
    const value = row[name] ?? null;
    const target = postgresType(type);
    if (value === null) return `NULL::${target}`;
    if (typeof value === 'string') return `${quoted(value)}::${target}`;
    return `ARRAY[${value.map((item) => (item === null ? 'NULL' : quoted(item))).join(',')}]::${target}`;
  });
  return `(${number}, ${cells.join(', ')})`;
}

export const postgresType = (type: string): string => type.replace('JSON', 'JSONB');

const quoted = (text: string): string => `E'${text.replaceAll('\\', '\\\\').replaceAll("'", "''")}'`;

export const rowRelations: Relations = relationsOf([
  {
    kind: 'table',
    name: 'rows',
    connection: 'orders',
    source: { kind: 'source', name: 'orders', jetstream: false, format: 'json' },
    columns: Object.entries(columns).map(([name, type]) => ({ name, type })),
    includeMetadata: false,
  },
]);
