/** An operator, with an expression and the JSON text of what it gives. */
export interface OperatorNote {
  readonly operator: string;
  readonly summary: string;
  readonly example: readonly [expression: string, gives: string];
}

const note = (operator: string, summary: string, expression: string, gives: string): OperatorNote => ({
  operator,
  summary,
  example: [expression, gives],
});

/** Every operator that the binder knows, by area. */
export const operatorNotes: readonly (readonly [title: string, notes: readonly OperatorNote[]])[] = [
  [
    'Logic and comparison',
    [
      note('AND, OR, NOT', 'Three-valued logic.', 'NULL::boolean OR true', 'true'),
      note('=, <>, !=', 'Equal, not equal.', '2 <> 3', 'true'),
      note('<, <=, >, >=', 'Order; of texts by code points.', "'a' < 'b'", 'true'),
      note('IS [NOT] DISTINCT FROM', 'Comparison for which NULL is a value.', 'NULL IS DISTINCT FROM 1', 'true'),
      note('IS [NOT] NULL', 'Whether there is a value.', '1 IS NOT NULL', 'true'),
      note('IS [NOT] TRUE, FALSE, UNKNOWN', 'Whether a boolean is just that.', 'NULL::boolean IS UNKNOWN', 'true'),
      note('[NOT] BETWEEN', 'Within bounds, both included; BETWEEN SYMMETRIC sorts them.', '2 BETWEEN 1 AND 3', 'true'),
      note('[NOT] IN', 'Equal to one of a list.', '2 IN (1, 2)', 'true'),
      note(
        '= ANY (array), = ALL (array)',
        'A comparison with the elements of an array.',
        '2 = ANY (ARRAY[1, 2])',
        'true',
      ),
      note('CASE', 'The result of the first branch that holds.', "CASE WHEN 1 > 2 THEN 'a' ELSE 'b' END", '"b"'),
      note('COALESCE', 'The first argument that is not NULL.', 'COALESCE(NULL, 2, 3)', '2'),
      note('NULLIF', 'NULL where both arguments are equal, else the first.', 'NULLIF(1, 1)', 'null'),
      note('GREATEST, LEAST', 'The greatest or least argument; NULLs are left out.', 'GREATEST(1, NULL, 3)', '3'),
      note('CAST(... AS type), ::', 'The value as another type.', "'5'::integer + 1", '6'),
    ],
  ],
  [
    'Numbers',
    [
      note('+, -, *', 'Sum, difference, product; overflow is an error.', '1.10 + 2.2', '3.30'),
      note('/', 'Quotient; of whole numbers cut towards zero.', '7 / 2', '3'),
      note('%', 'Rest, with the sign of the left side.', '-7 % 3', '-1'),
      note('^', 'Power, in doubles.', '2::double precision ^ 10', '1024'),
      note('@', 'Absolute value.', '@ -5', '5'),
      note('|/, ||/', 'Square root, cube root.', '|/ 25', '5'),
      note('&, |, #, ~', 'Bits of whole numbers: and, or, exclusive or, not.', '91 & 15', '11'),
      note('<<, >>', 'Bits shifted.', '1 << 4', '16'),
    ],
  ],
  [
    'Text',
    [
      note('||', 'Texts joined; one side may be of another type.', "'a' || 1", '"a1"'),
      note(
        '[NOT] LIKE, ILIKE',
        '`%` is any run, `_` any one character; ILIKE ignores case.',
        "'50%' LIKE '50!%' ESCAPE '!'",
        'true',
      ),
      note('~~, ~~*, !~~, !~~*', 'LIKE and ILIKE as operators.', "'abc' ~~ 'a%'", 'true'),
      note('[NOT] SIMILAR TO', "SQL's regular expressions, for the whole text.", "'abc' SIMILAR TO '(a|b)%'", 'true'),
      note(
        '~, ~*, !~, !~*',
        'Regular expressions for a part of the text; `*` ignores case, `!` negates.',
        "'Thomas' ~* 't.*MA'",
        'true',
      ),
      note('||', 'Bytes joined.', "'\\x00ff'::bytea || '\\x01'::bytea", '"AP8B"'),
      note('^@', 'Begins with.', "'alphabet' ^@ 'alph'", 'true'),
    ],
  ],
  [
    'Time',
    [
      note(
        'time + interval, time - interval',
        'A TIMESTAMP; of a DATE too.',
        "DATE '2026-01-31' + INTERVAL '1 month'",
        '"2026-02-28T00:00:00Z"',
      ),
      note('date + integer, date - integer', 'A DATE.', "DATE '2026-03-29' + 3", '"2026-04-01"'),
      note(
        'timestamp - timestamp',
        'An INTERVAL of days and time; of two DATEs the days.',
        "DATE '2026-03-29' - DATE '2026-03-01'",
        '28',
      ),
      note(
        'interval + interval, interval * number, interval / number',
        'An INTERVAL.',
        "INTERVAL '1 hour' * 3.5",
        '"03:30:00"',
      ),
      note(
        "timestamp AT TIME ZONE 'UTC'",
        'The same, as every TIMESTAMP is in UTC.',
        "TIMESTAMP '2026-03-29 01:30:00' AT TIME ZONE 'UTC'",
        '"2026-03-29T01:30:00Z"',
      ),
    ],
  ],
  [
    'JSON',
    [
      note(
        '->',
        'A member by its name, or an element by its place: from 0, or negative from the end. A scalar is its own elements 0 and -1.',
        `'{"a":[1,2]}'::jsonb -> 'a' -> 1`,
        '2',
      ),
      note('->>', 'The same as a text.', `'{"a":"x"}'::jsonb ->> 'a'`, '"x"'),
      note('#>, #>>', 'What a path leads to, as JSON or as a text.', `'{"a":[1,2]}'::jsonb #> '{a,1}'`, '2'),
      note(
        '@>, <@',
        'Whether the left side contains the right, or is contained.',
        `'{"a":1,"b":2}'::jsonb @> '{"b":2}'`,
        'true',
      ),
      note(
        '?, ?|, ?&',
        'Whether a key, one of the keys or all of them are there.',
        `'{"a":1}'::jsonb ?| ARRAY['a', 'z']`,
        'true',
      ),
      note(
        '||',
        'Objects merged, arrays joined; what is neither counts as an array of one. Two scalars are joined as texts.',
        `'{"a":1,"b":1}'::jsonb || '{"b":2}'`,
        '{"a":1,"b":2}',
      ),
      note('-', 'Without a key, or several; of an array without texts.', `'{"a":1,"b":2}'::jsonb - 'a'`, '{"b":2}'),
      note('#-', 'Without what a path leads to.', `'{"a":[1,2]}'::jsonb #- '{a,0}'`, '{"a":[2]}'),
    ],
  ],
  [
    'Arrays',
    [
      note('ARRAY[...]', 'An array of one dimension.', 'ARRAY[1, NULL, 3]', '[1,null,3]'),
      note('array[n], array[m:n]', 'An element, a part; counted from 1.', '(ARRAY[5, 6, 7])[2:3]', '[6,7]'),
      note('||', 'Arrays joined, or an element and an array.', 'ARRAY[1] || 2', '[1,2]'),
      note('@>, <@, &&', 'Contains, is contained, overlaps.', 'ARRAY[1, 2] && ARRAY[2, 3]', 'true'),
    ],
  ],
];
