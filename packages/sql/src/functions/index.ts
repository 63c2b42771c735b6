import * as bytes from '../values/bytes.js';
import { substringMatching } from '../values/pattern.js';
import { regexOf } from '../values/regex.js';
import { substring } from '../values/text.js';
import { arrayFunctions } from './array.js';
import { define, type FunctionSection, type SqlFunction, takes } from './definition.js';
import { jsonFunctions } from './json.js';
import { mathFunctions, modulo } from './math.js';
import { patternFunctions } from './pattern.js';
import { textFunctions } from './text.js';
import { timeFunctions } from './time.js';

/** `substring(text from 2 for 3)`, of bytes too, and `substring(text from 'pattern')`. */
const substringFunction = define(
  'substring',
  'The characters from a place on, which counts from 1, as many as wanted: `substring(text from 2 for 3)`. With a text as its second argument what matches that regular expression, or its first group.',
  ["substring('Thomas' from 2 for 3)", '"hom"'],
  [
    takes(['TEXT', 'INTEGER', 'INTEGER'], 'TEXT', substring, { optional: 1 }),
    takes(['BYTEA', 'INTEGER', 'INTEGER'], 'BYTEA', bytes.substring, { optional: 1 }),
    takes(['TEXT', 'TEXT'], 'TEXT', substringMatching),
  ],
  { check: (_, pattern) => void (typeof pattern === 'string' && regexOf(pattern)) },
);

/** The built-in functions, by PostgreSQL's names (https://www.postgresql.org/docs/18/functions.html) and the dialect's own. */
export const functionSections: readonly FunctionSection[] = [
  { ...textFunctions, functions: [...textFunctions.functions, substringFunction] },
  patternFunctions,
  { ...mathFunctions, functions: [...mathFunctions.functions, modulo] },
  timeFunctions,
  jsonFunctions,
  arrayFunctions,
];

export const functionsByName: ReadonlyMap<string, SqlFunction> = new Map(
  functionSections.flatMap(({ functions }) => functions.map((definition) => [definition.name, definition] as const)),
);

/** Functions over many rows; streams of single messages have none of them. */
export const aggregates: ReadonlySet<string> = new Set(
  'count sum avg min max array_agg string_agg json_agg jsonb_agg json_object_agg bool_and bool_or every stddev variance row_number rank dense_rank lag lead first_value last_value'.split(
    ' ',
  ),
);
