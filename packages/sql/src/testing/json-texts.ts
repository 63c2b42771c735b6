import fc from 'fast-check';

/** JSON texts that are written in every odd way: white space, escapes, duplicate keys, numbers that a double does not hold or would write otherwise. */

/** What may stand between tokens. */
export const space = fc.constantFrom('', '', '', ' ', '\n', ' \t');
/** A key in its quotes. */
export const key = fc.constantFrom(
  ...['a', 'b', 'ab', 'c', 'é', '__proto__', 'toString'].map((name) => `"${name}"`),
  ...['"\\u0061"', '"\\u00e9"', '"a\\n"', '"\\"a"', '""'],
);
const scalar = fc.oneof(
  fc.constantFrom(
    'null',
    'true',
    'false',
    '{}',
    '[]',
    '0',
    '-0',
    '-0.0',
    '1',
    '5',
    '12',
    '1.10',
    '1e1',
    '1e400',
    '-1E-7',
  ),
  fc.constantFrom(
    '9007199254740993',
    '123456789012345',
    '1234567890123456',
    '99999',
    '9999999999',
    '-12345678901234567890',
    '0.1234567890123456789',
  ),
  fc.constantFrom('0.00001', '0.05', '100.0', '3.14'),
  fc.constantFrom(
    '"x"',
    '""',
    '"5"',
    '"true"',
    '"xy\\n"',
    '"é"',
    '"\ud83d\ude00x"',
    '"\\ud800"',
    '"\\"a\\":5,"',
    '"a"',
    '",\\u0061"',
  ),
  fc.constantFrom('"{\\"a\\":1}"', '"a\\\\"', '"\u007f"'),
);
/** A value of any kind. It begins and ends with no white space. */
export const { text: json } = fc.letrec<{ text: string; object: string; array: string }>((tie) => ({
  text: fc.oneof({ maxDepth: 4 }, { weight: 3, arbitrary: scalar }, tie('object'), tie('array')),
  object: fc
    .array(fc.tuple(key, space, space, tie('text'), space), { maxLength: 5 })
    .map((members) => `{${members.map(([k, s1, s2, v, s3]) => `${s3}${k}${s1}:${s2}${v}${s1}`).join(',')}}`),
  array: fc.array(tie('text'), { maxLength: 3 }).map((items) => `[${items.join(' , ')}]`),
}));
