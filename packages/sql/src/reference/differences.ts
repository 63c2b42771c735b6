/** Something that is meant to differ from PostgreSQL. */
export interface Difference {
  readonly what: string;
  readonly why: string;
  /** An expression in which it shows, with the JSON text that it gives here; undefined for an error. */
  readonly example: readonly [expression: string, gives: string | undefined];
}

export const differences: readonly Difference[] = [
  {
    what: 'JSON where SQL wants a scalar is that scalar: a string is its text, also under `::text`.',
    why: 'Fields of a message are used without casts.',
    example: [`('{"a":"x"}'::jsonb -> 'a')::text`, '"x"'],
  },
  {
    what: 'A null of JSON is NULL.',
    why: 'A field that is null and one that is absent mean the same to a pipeline.',
    example: [`('{"a":null}'::jsonb -> 'a') IS NULL`, 'true'],
  },
  {
    what: 'Numbers of JSON compute as they are written: whole ones exactly, others as doubles; `/` between them is not cut.',
    why: 'A field has no type that would say which.',
    example: [`('{"a":7}'::jsonb -> 'a') / 2`, '3.5'],
  },
  {
    what: '`||` of two scalars of JSON joins their texts.',
    why: 'Fields are joined without casts.',
    example: [`('{"a":"x"}'::jsonb -> 'a') || ('{"a":1}'::jsonb -> 'a')`, '"x1"'],
  },
  {
    what: '`json - n` with a number is arithmetic; `#-` leaves an element out.',
    why: 'Fields compute without casts.',
    example: [`('[7]'::jsonb -> 0) - 2`, '5'],
  },
  {
    what: 'JSON and JSONB are one type, whose text is compact and keeps the order of its keys.',
    why: 'A message goes out as it came.',
    example: [`'{"b":1,"a":2}'::jsonb::text`, '"{\\"b\\":1,\\"a\\":2}"'],
  },
  {
    what: 'Any value can be cast to JSON.',
    why: 'It is what a row becomes.',
    example: ['5::jsonb', '5'],
  },
  {
    what: "TIMESTAMP is in UTC, with a time zone or without: a text with another offset is converted, and `AT TIME ZONE 'UTC'` changes nothing. There are no other zones.",
    why: 'Instants of different senders are comparable.',
    example: ["'2026-03-29 03:30+02'::timestamp::text", '"2026-03-29 01:30:00"'],
  },
  {
    what: 'Times are read in ISO 8601 only, and are finite.',
    why: 'Other forms depend on settings.',
    example: ["'infinity'::timestamp", undefined],
  },
  {
    what: 'NUMERIC is finite.',
    why: 'NaN and Infinity are no JSON numbers; doubles have them.',
    example: ["'NaN'::numeric", undefined],
  },
  {
    what: 'exp, ln, log, power, sqrt and `^` compute in doubles, of a NUMERIC too.',
    why: 'Sixteen digits are what messages carry.',
    example: ['sqrt(2.0)', '1.4142135623730951'],
  },
  {
    what: 'The time of an INTERVAL is below 2^53 microseconds, which is 285 years.',
    why: 'Microseconds are doubles, and stay exact.',
    example: ["INTERVAL '2600000 hours'", undefined],
  },
  {
    what: 'Arrays have one dimension.',
    why: 'Arrays of arrays are JSON.',
    example: ['ARRAY[ARRAY[1], ARRAY[2]]', undefined],
  },
  {
    what: 'Regular expressions have no back references, no looking ahead or behind, and no \\m and \\M.',
    why: 'They run in time linear to the text, whatever the pattern.',
    example: ["'aa' ~ '(a)\\1'", undefined],
  },
  {
    what: 'A pattern with greedy and non-greedy quantifiers can be tested, but not asked what it matches.',
    why: 'PostgreSQL lets the first of them speak for all, which automata do not.',
    example: ["regexp_match('abc', 'a+?b*')", undefined],
  },
  {
    what: 'The time of a row is that of now(); there is no random().',
    why: 'A message that is read again must give the same row.',
    example: ['random()', undefined],
  },
  {
    what: 'A template of a number has no B, C and SP, and no MI, PL or SG behind PR.',
    why: 'PostgreSQL writes nothing for the former, and half of the brackets for the latter. Letters that are no patterns stand in double quotes.',
    example: ["to_char(5, '9 CHF')", undefined],
  },
  {
    what: 'V in the template of an INTEGER fails where the number becomes too large.',
    why: 'PostgreSQL writes the digits of what is left of it.',
    example: ["to_char(1000000, '9999999V9999')", undefined],
  },
  {
    what: 'Functions take their arguments by place, not by name.',
    why: 'Those of users are called so too.',
    example: ['make_interval(days => 3)', undefined],
  },
  {
    what: 'BYTEA is read from base64 too, and goes out in base64.',
    why: 'JSON has no bytes.',
    example: ["'AP8='::bytea", '"AP8="'],
  },
  {
    what: 'A literal beside `||` and a BYTEA writes its bytes in hexadecimal.',
    why: 'PostgreSQL takes its characters, while a BYTEA is in base64 in a message.',
    example: ["'\\x00'::bytea || 'abcd'", undefined],
  },
  {
    what: 'Functions that give rows stand in FROM, behind what is read, and nowhere else.',
    why: 'There is one place where a message becomes many rows.',
    example: ['unnest(ARRAY[1])', undefined],
  },
  {
    what: 'What an expression builds - a text, a BYTEA, an array, JSON - has 1,000,000 characters, bytes or elements at most, or as many as the message has bytes where that is more; a row has 64 MiB.',
    why: 'A few bytes of a query or a message must not cost gigabytes. Beyond that the row fails with `too_large`.',
    example: ["repeat('ab', 600000)", undefined],
  },
  {
    what: 'A call that fits several overloads takes the nearest one.',
    why: 'PostgreSQL asks for a cast.',
    example: ['gcd(4::smallint, 6::smallint)', '2'],
  },
];
