import * as json from '../values/json.js';
import { define, type FunctionSection, takes } from './definition.js';

const both = (
  name: (prefix: string) => string,
  ...rest: readonly [
    summary: string,
    example: (name: string) => readonly [string, string],
    overloads: Parameters<typeof define>[3],
  ]
) => {
  const [summary, example, overloads] = rest;
  return ['json', 'jsonb'].map((prefix) => define(name(prefix), summary, example(name(prefix)), overloads));
};

export const jsonFunctions: FunctionSection = {
  title: 'JSON',
  functions: [
    define(
      'json_extract',
      'What a path leads to, as JSON: `$.a.b[0]`, `$["a b"]`. The path is a literal.',
      ["json_extract('{\"a\":[1,2]}', '$.a[1]')", '2'],
      [],
      { own: true },
    ),
    define(
      'json_object',
      'An object of keys and values, in turn.',
      ["json_object('a', 1, 'b', NULL)", '{"a":1,"b":null}'],
      [takes(['ANY_JSON'], 'JSON', json.object, { variadic: true, strict: false, optional: 1, builds: true })],
      { own: true },
    ),
    define(
      'json_array',
      'An array of the arguments, NULLs left out.',
      ["json_array(1, 'x', NULL)", '[1,"x"]'],
      [
        takes(
          ['ANY_JSON'],
          'JSON',
          (...items: unknown[]) => items.filter((item) => item !== null && item !== undefined),
          { variadic: true, strict: false, optional: 1, builds: true },
        ),
      ],
      { own: true },
    ),
    ...both(
      (prefix) => `${prefix}_build_object`,
      'An object of keys and values, in turn.',
      (name) => [`${name}('a', 1, 'b', true)`, '{"a":1,"b":true}'],
      [takes(['ANY_JSON'], 'JSON', json.object, { variadic: true, strict: false, optional: 1, builds: true })],
    ),
    ...both(
      (prefix) => `${prefix}_build_array`,
      'An array of the arguments; NULLs are null.',
      (name) => [`${name}(1, 'x', NULL)`, '[1,"x",null]'],
      [
        takes(['ANY_JSON'], 'JSON', (...items: unknown[]) => items.map((item) => item ?? null), {
          variadic: true,
          strict: false,
          optional: 1,
          builds: true,
        }),
      ],
    ),
    ...both(
      (prefix) => `to_${prefix}`,
      'Any value within JSON.',
      (name) => [`${name}(ARRAY[1, 2])`, '[1,2]'],
      [takes(['ANY_JSON'], 'JSON', (value: unknown) => value)],
    ),
    ...both(
      (prefix) => `${prefix}_array_length`,
      'How many elements an array of JSON has.',
      (name) => [`${name}('[1,2,3]')`, '3'],
      [takes(['JSON'], 'INTEGER', json.arrayLength)],
    ),
    ...both(
      (prefix) => `${prefix}_typeof`,
      "The kind of a JSON value: 'object', 'array', 'string', 'number' or 'boolean'. null is NULL here.",
      (name) => [`${name}('[1]')`, '"array"'],
      [takes(['JSON'], 'TEXT', json.typeOf)],
    ),
    ...both(
      (prefix) => `${prefix}_extract_path`,
      'What the keys lead to, one after the other; `#>` is the same.',
      (name) => [`${name}('{"a":{"b":1}}', 'a', 'b')`, '1'],
      [takes(['JSON', 'TEXT'], 'JSON', json.extractPath, { variadic: true })],
    ),
    ...both(
      (prefix) => `${prefix}_extract_path_text`,
      'The same as a text; `#>>` is the same.',
      (name) => [`${name}('{"a":{"b":1}}', 'a', 'b')`, '"1"'],
      [takes(['JSON', 'TEXT'], 'TEXT', json.extractPathText, { variadic: true })],
    ),
    ...both(
      (prefix) => `${prefix}_strip_nulls`,
      'Without members that are null, at every depth.',
      (name) => [`${name}('{"a":null,"b":[null,{"c":null}]}')`, '{"b":[null,{}]}'],
      [takes(['JSON'], 'JSON', json.stripNulls)],
    ),
    define(
      'jsonb_set',
      'With the value at a path replaced, or added where the fourth argument is not false.',
      [`jsonb_set('{"a":[1,2]}', '{a,0}', '9')`, '{"a":[9,2]}'],
      [takes(['JSON', 'TEXT[]', 'JSON', 'BOOLEAN'], 'JSON', json.set, { optional: 1, builds: true })],
    ),
    define(
      'jsonb_pretty',
      'The JSON text with line breaks, indented by four spaces.',
      [`jsonb_pretty('{"a":1}')`, '"{\\n    \\"a\\": 1\\n}"'],
      [takes(['JSON'], 'TEXT', json.pretty)],
    ),
    define(
      'jsonb_contains',
      'Whether the first value contains the second; `@>` is the same.',
      [`jsonb_contains('{"a":1,"b":2}', '{"b":2}')`, 'true'],
      [takes(['JSON', 'JSON'], 'BOOLEAN', json.contains)],
    ),
    define(
      'jsonb_exists',
      'Whether a text is a key of the object, or an element of the array; `?` is the same.',
      [`jsonb_exists('{"a":1}', 'a')`, 'true'],
      [takes(['JSON', 'TEXT'], 'BOOLEAN', json.exists)],
    ),
  ],
};
