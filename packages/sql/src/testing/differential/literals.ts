import type { Type } from '../../bind/expression.js';

/** Literals of each type. */
export const literals: { readonly [type in Type]?: readonly string[] } = {
  TEXT: ["'abc'", "'World'", "'é😀'", "''", "'a'"],
  BOOLEAN: ['true', 'false'],
  SMALLINT: ['5::smallint'],
  INTEGER: ['1', '2', '3', '0', '-1', '7'],
  BIGINT: ['5::bigint', '3000000000'],
  REAL: ['1.5::real'],
  'DOUBLE PRECISION': ['2.5::double precision', "'-0.5'::double precision"],
  NUMERIC: ['1.5', '0.25', '100.00', '-3.333'],
  TIMESTAMP: ["TIMESTAMP '2026-01-31 10:20:30.5'"],
  DATE: ["DATE '2024-02-29'"],
  INTERVAL: [
    "INTERVAL '1 day'",
    "INTERVAL '1 year 2 mons -3 days 04:05:06.7'",
    "INTERVAL '90 minutes'",
    "INTERVAL '-1 month'",
    "INTERVAL '1.5 days'",
  ],
  BYTEA: ["'\\x0102'::bytea"],
  JSON: [`'{"a":1}'::jsonb`, `'[1,2]'::jsonb`, "'5'::jsonb", `'"x"'::jsonb`],
  'TEXT[]': ["ARRAY['a','b']", '\'{x,"y z",NULL}\'::text[]'],
  'INTEGER[]': ['ARRAY[1,2]', "'{3,NULL}'::int[]"],
};

/** Texts that are read as types, and some that are none. Times in other forms than ISO 8601 are read there alone. */
export const castTexts: { readonly [type in Type]?: readonly string[] } = {
  INTEGER: ["' 42 '", "'2147483648'", "'1.5'", "'0x1F'", "'1_000'", "''"],
  SMALLINT: ["'-32768'", "'32768'"],
  BIGINT: ["'9223372036854775807'", "'9223372036854775808'", "'-0'"],
  NUMERIC: ["'1.10'", "'1e3'", "'.5'", "'1e400'", "'--1'"],
  REAL: ["'1e39'", "'NaN'", "'3.4028235e38'"],
  'DOUBLE PRECISION': ["'1e400'", "'-Infinity'", "'1e-320'", "'9007199254740993'"],
  BOOLEAN: ["'yes'", "'tr'", "'0'", "'o'", "' on '"],
  BYTEA: ["'\\x00ff'", "'\\x0'", "'\\xzz'"],
  INTERVAL: ["'1 day 02:30'", "'-3 months'", "'1 fortnight'", "'25:59:60.5'", "'1:60'", "'0:00:61'", "'P1Y2M'"],
  'INTEGER[]': ["'{1,NULL,3}'", "'{1,x}'", "'{'", "'{}'"],
  'TEXT[]': ['\'{"a b",null}\'', "'{a,,b}'", "'x'"],
  JSON: ['\'{"a":1}\'', "'{a}'", "'[1,2'"],
};
