/** How something is written, with an expression and the JSON text of what it gives. */
export interface LexisNote {
  readonly what: string;
  readonly rule: string;
  readonly example: readonly [expression: string, gives: string];
}

const note = (what: string, rule: string, expression: string, gives: string): LexisNote => ({
  what,
  rule,
  example: [expression, gives],
});

/** How literals are written. */
export const literalNotes: readonly LexisNote[] = [
  note(
    'text',
    'In single quotes; a quote within is doubled. A backslash is just a backslash.',
    "'it''s \\n'",
    '"it\'s \\\\n"',
  ),
  note('text with escapes', '`E` in front: `\\n`, `\\t`, `\\\\`, `\\u00e9` and others.', "E'a\\tb'", '"a\\tb"'),
  note('text in dollars', 'Between two `$$`, or `$tag$`; nothing in it is special.', "$$it's$$", '"it\'s"'),
  note('text by code points', '`U&` in front: `\\` and four, `\\+` and six hexadecimal digits.', "U&'\\00e9'", '"é"'),
  note(
    'whole number',
    'INTEGER, or BIGINT or NUMERIC where it is too large; also 0x, 0o, 0b; `_` between digits.',
    '1_000',
    '1000',
  ),
  note('decimal number', 'NUMERIC, exact: every digit counts.', '1.10', '1.10'),
  note('number with an exponent', 'NUMERIC too.', '2.5e3', '2500'),
  note('boolean', 'true, false.', 'true', 'true'),
  note('NULL', 'No value; of whichever type is wanted.', 'NULL', 'null'),
  note(
    'timestamp',
    '`TIMESTAMP` in front of a text in ISO 8601.',
    "TIMESTAMP '2026-03-29 01:30:00'",
    '"2026-03-29T01:30:00Z"',
  ),
  note('date', '`DATE` in front of a text.', "DATE '2026-03-29'", '"2026-03-29"'),
  note(
    'interval',
    '`INTERVAL` in front of a text: numbers with units, or ISO 8601 (`P1DT2H30M`, `P0000-00-01T02:30`).',
    "INTERVAL '1 day 02:30'",
    '"1 day 02:30:00"',
  ),
  note(
    'interval within fields',
    'The last field is the unit of a number without one, and what is smaller is cut off; `SECOND(2)` and `INTERVAL(2)` round the seconds. A type of a cast is written so too.',
    "INTERVAL '1:30' MINUTE TO SECOND",
    '"00:01:30"',
  ),
  note('array', '`ARRAY[...]`, or a text in braces that is cast.', "'{1,NULL,3}'::integer[]", '[1,null,3]'),
  note('JSON', 'A text that is cast.', `'{"a": [1, 2]}'::json`, '{"a":[1,2]}'),
  note('bytes', 'A text in hexadecimal or base64 that is cast.', "'\\x00ff'::bytea", '"AP8="'),
];

/** How names are read, each with a query over a connection `orders` of `format = 'json'`, a payload, and the row. */
export const nameNotes: readonly {
  readonly rule: string;
  readonly example: readonly [query: string, payload: string, row: string];
}[] = [
  {
    rule: 'A name of a definition, function or CTE folds to lower case unless it stands in double quotes; it begins with a letter or `_`, goes on with letters, digits, `_` and `-`, and has at most 63 characters. `system` and `nats_responder` are taken.',
    example: ['SELECT * FROM ORDERS', '{"a":1}', '{"a":1}'],
  },
  {
    rule: 'A column keeps the spelling in which it is first written: that is the field that is read, and the key that goes out. After that its case does not matter.',
    example: ['SELECT customerId FROM orders WHERE CUSTOMERID > 1', '{"customerId":7}', '{"customerId":7}'],
  },
  {
    rule: "In double quotes any name can be written, and its case counts; a quote within is doubled. It has at most 63 bytes; longer fields are `payload->'...'`.",
    example: ['SELECT "say ""hi""" AS "Hi!" FROM orders', '{"say \\"hi\\"":2}', '{"Hi!":2}'],
  },
  {
    rule: "PostgreSQL's reserved words as fields stand in double quotes.",
    example: ['SELECT "order", "user" FROM orders', '{"order":1,"user":"u"}', '{"order":1,"user":"u"}'],
  },
  {
    rule: 'A member of a field is reached by `->` and `->>`, not by a dot: a dot stands behind an alias.',
    example: ["SELECT o.customer->>'name' AS name FROM orders o", '{"customer":{"name":"Ada"}}', '{"name":"Ada"}'],
  },
  {
    rule: "`payload` is the whole message; a field of that name is `payload->'payload'`.",
    example: ["SELECT payload->'payload' AS inner_one FROM orders", '{"payload":3}', '{"inner_one":3}'],
  },
  {
    rule: 'Without an alias a column is named as PostgreSQL names it: after the column, the function, or the type of a cast. Two columns of one name, and one without a name, are refused.',
    example: ['SELECT lower(name), id::text FROM orders', '{"name":"A","id":5}', '{"lower":"a","id":"5"}'],
  },
  {
    rule: '`--` begins a comment up to the end of the line; `/* */` encloses one, and may hold others.',
    example: ['SELECT a /* b, /* c, */ */ FROM orders -- and no more', '{"a":1,"b":2}', '{"a":1}'],
  },
];
