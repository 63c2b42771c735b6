import type { ScalarType } from '@laminar/definitions';

/** What the reference says of each type: its values, and how they go out in a message. */
export const typeNotes: { readonly [type in ScalarType | 'INTERVAL']: readonly [values: string, output: string] } = {
  TEXT: [
    'text in UTF-8; `VARCHAR` is the same; `VARCHAR(n)` has n characters at most: a cast cuts, a column refuses longer ones',
    'a string',
  ],
  BOOLEAN: ['true or false', '`true` or `false`'],
  SMALLINT: ['whole numbers of 16 bits', 'a number'],
  INTEGER: ['whole numbers of 32 bits', 'a number'],
  BIGINT: ['whole numbers of 64 bits', 'a number with all its digits'],
  REAL: ['floating point numbers of 32 bits', 'a number; `"NaN"`, `"Infinity"`'],
  'DOUBLE PRECISION': ['floating point numbers of 64 bits', 'a number; `"NaN"`, `"Infinity"`'],
  NUMERIC: [
    'decimal numbers, exact; `NUMERIC(p, s)` rounds to s digits after the point, and refuses more than p in all',
    'a number with all its digits',
  ],
  TIMESTAMP: [
    'instants in UTC, to the microsecond; `TIMESTAMP(p)` rounds to p digits of a second',
    '`"2026-03-29T01:30:00Z"`, with a fraction where there is one',
  ],
  DATE: ['days', '`"2026-03-29"`'],
  BYTEA: ["bytes, written `'\\x00ff'` or in base64", 'a string in base64'],
  JSON: ['any JSON value; `JSONB` is the same', 'the value'],
  INTERVAL: ['spans of time, in expressions only', '`"1 day 02:30:00"`'],
};
