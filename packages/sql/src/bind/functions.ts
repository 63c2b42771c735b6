import { RowError } from '../errors.js';
import { checkedDouble, type Integer, integerOfDouble, scalarText } from '../values/convert.js';
import { type Decimal, decimalOf, floorDecimal, roundDecimal, truncateDecimal } from '../values/decimal.js';
import { hashText } from '../values/hash.js';
import { member } from '../values/json-path.js';
import * as text from '../values/text.js';
import type { Type } from './expression.js';

/** What an argument must be; NUMERIC_KIND is any number in its own type, ANY_TEXT any value as its text, ANY_JSON any value within JSON. */
export type Parameter = Type | 'NUMERIC_KIND' | 'ANY_TEXT' | 'ANY_JSON';

/** One way to call a built-in function, as the binder and the reference see it. */
export interface SqlFunction {
  readonly name: string;
  readonly parameters: readonly Parameter[];
  /** How many of the last parameters may be left out. */
  readonly optional?: number;
  /** The last parameter may be repeated. */
  readonly variadic?: boolean;
  /** `ARGUMENT` is the type of the first argument. */
  readonly returns: Type | 'ARGUMENT';
  /** Not called where an argument is NULL; the result is NULL then. */
  readonly strict: boolean;
  // biome-ignore lint/suspicious/noExplicitAny: the parameters say what the arguments are.
  readonly evaluate: (...args: any[]) => unknown;
  /** The result is not given by the arguments alone. */
  readonly volatile?: boolean;
}

type NumericValue = Integer | Decimal;
const isDecimal = (value: NumericValue): value is Decimal => typeof value === 'object';

const define = (
  name: string,
  parameters: readonly Parameter[],
  returns: SqlFunction['returns'],
  evaluate: SqlFunction['evaluate'],
  more: Partial<SqlFunction> = {},
): SqlFunction => ({
  name,
  parameters,
  returns,
  strict: true,
  evaluate,
  ...more,
});

const onNumbers =
  (onDouble: (value: number) => number, onDecimal: (value: Decimal) => Decimal) => (value: NumericValue) => {
    if (isDecimal(value)) return onDecimal(value);
    return typeof value === 'bigint' || Number.isInteger(value) ? value : onDouble(value);
  };

function roundTo(value: NumericValue, digits: Integer): Decimal {
  return roundDecimal(isDecimal(value) ? value : decimalOf(value), Number(digits));
}

/** Half to even, as PostgreSQL rounds a float8. */
function roundDouble(value: number): number {
  return Number.isFinite(value) && Math.abs(value) < Number.MAX_SAFE_INTEGER
    ? Number(integerOfDouble(value, 'BIGINT'))
    : value;
}

function jsonObject(...parts: unknown[]): object {
  const entries: [string, unknown][] = [];
  for (let i = 0; i < parts.length; i += 2) {
    const key = parts[i];
    if (key === null || key === undefined) throw new RowError('null_key', 'a key of JSON_OBJECT is NULL');
    entries.push([scalarText(key), parts[i + 1] ?? null]);
  }
  return Object.fromEntries(entries);
}

function absolute(value: NumericValue): NumericValue {
  if (isDecimal(value)) return value.coefficient < 0n ? { ...value, coefficient: -value.coefficient } : value;
  return value < 0 ? -value : value;
}

function sign(value: NumericValue): NumericValue {
  if (isDecimal(value))
    return { coefficient: value.coefficient < 0n ? -1n : value.coefficient > 0n ? 1n : 0n, scale: 0 };
  return value < 0 ? -1 : value > 0 ? 1 : 0;
}

function root(value: number): number {
  if (value < 0) throw new RowError('invalid_argument', 'a negative number has no square root');
  return Math.sqrt(value);
}

function logarithm(of: (value: number) => number) {
  return (value: number) => {
    if (value <= 0) throw new RowError('invalid_argument', 'only numbers above zero have a logarithm');
    return of(value);
  };
}

/** The built-in functions, by PostgreSQL's names (https://www.postgresql.org/docs/18/functions.html) and the dialect's own. */
export const functions: readonly SqlFunction[] = [
  define('lower', ['TEXT'], 'TEXT', (s: string) => s.toLowerCase()),
  define('upper', ['TEXT'], 'TEXT', (s: string) => s.toUpperCase()),
  define('initcap', ['TEXT'], 'TEXT', text.initcap),
  define('length', ['TEXT'], 'INTEGER', text.characterCount),
  define('char_length', ['TEXT'], 'INTEGER', text.characterCount),
  define('character_length', ['TEXT'], 'INTEGER', text.characterCount),
  define('octet_length', ['TEXT'], 'INTEGER', (s: string) => Buffer.byteLength(s)),
  define('substring', ['TEXT', 'INTEGER', 'INTEGER'], 'TEXT', text.substring, { optional: 1 }),
  define('substr', ['TEXT', 'INTEGER', 'INTEGER'], 'TEXT', text.substring, { optional: 1 }),
  define('left', ['TEXT', 'INTEGER'], 'TEXT', text.left),
  define('right', ['TEXT', 'INTEGER'], 'TEXT', text.right),
  define('btrim', ['TEXT', 'TEXT'], 'TEXT', text.trimBoth, { optional: 1 }),
  define('ltrim', ['TEXT', 'TEXT'], 'TEXT', text.trimStart, { optional: 1 }),
  define('rtrim', ['TEXT', 'TEXT'], 'TEXT', text.trimEnd, { optional: 1 }),
  define('replace', ['TEXT', 'TEXT', 'TEXT'], 'TEXT', text.replace),
  define('position', ['TEXT', 'TEXT'], 'INTEGER', text.position),
  define('strpos', ['TEXT', 'TEXT'], 'INTEGER', text.position),
  define('starts_with', ['TEXT', 'TEXT'], 'BOOLEAN', (s: string, prefix: string) => s.startsWith(prefix)),
  define('split_part', ['TEXT', 'TEXT', 'INTEGER'], 'TEXT', text.splitPart),
  define('lpad', ['TEXT', 'INTEGER', 'TEXT'], 'TEXT', text.padStart, { optional: 1 }),
  define('rpad', ['TEXT', 'INTEGER', 'TEXT'], 'TEXT', text.padEnd, { optional: 1 }),
  define('reverse', ['TEXT'], 'TEXT', text.reverse),
  define('repeat', ['TEXT', 'INTEGER'], 'TEXT', text.repeat),
  define('concat', ['ANY_TEXT'], 'TEXT', (...parts: (string | null)[]) => parts.map((part) => part ?? '').join(''), {
    variadic: true,
    strict: false,
  }),

  define('abs', ['NUMERIC_KIND'], 'ARGUMENT', absolute),
  define('sign', ['NUMERIC_KIND'], 'ARGUMENT', sign),
  define('floor', ['NUMERIC_KIND'], 'ARGUMENT', onNumbers(Math.floor, floorDecimal)),
  define('ceil', ['NUMERIC_KIND'], 'ARGUMENT', onNumbers(Math.ceil, ceilDecimal)),
  define('ceiling', ['NUMERIC_KIND'], 'ARGUMENT', onNumbers(Math.ceil, ceilDecimal)),
  define(
    'round',
    ['NUMERIC_KIND'],
    'ARGUMENT',
    onNumbers(roundDouble, (value) => roundDecimal(value, 0)),
  ),
  define('round', ['NUMERIC_KIND', 'INTEGER'], 'NUMERIC', roundTo),
  define(
    'trunc',
    ['NUMERIC_KIND'],
    'ARGUMENT',
    onNumbers(Math.trunc, (value) => truncateDecimal(value, 0)),
  ),
  define('trunc', ['NUMERIC_KIND', 'INTEGER'], 'NUMERIC', (value: NumericValue, digits: Integer) =>
    truncateDecimal(isDecimal(value) ? value : decimalOf(value), Number(digits)),
  ),
  define('sqrt', ['DOUBLE PRECISION'], 'DOUBLE PRECISION', root),
  define('power', ['DOUBLE PRECISION', 'DOUBLE PRECISION'], 'DOUBLE PRECISION', (a: number, b: number) =>
    checkedDouble(a ** b),
  ),
  define('exp', ['DOUBLE PRECISION'], 'DOUBLE PRECISION', (value: number) => checkedDouble(Math.exp(value))),
  define('ln', ['DOUBLE PRECISION'], 'DOUBLE PRECISION', logarithm(Math.log)),
  define('log10', ['DOUBLE PRECISION'], 'DOUBLE PRECISION', logarithm(Math.log10)),

  define('json_object', ['ANY_JSON'], 'JSON', jsonObject, { variadic: true, strict: false }),
  define(
    'json_array',
    ['ANY_JSON'],
    'JSON',
    (...items: unknown[]) => items.filter((item) => item !== null && item !== undefined),
    {
      variadic: true,
      strict: false,
    },
  ),
  define('json_array_length', ['JSON'], 'INTEGER', arrayLength),
  define('jsonb_array_length', ['JSON'], 'INTEGER', arrayLength),
  define('json_typeof', ['JSON'], 'TEXT', typeOfJson),
  define('jsonb_typeof', ['JSON'], 'TEXT', typeOfJson),
  define(
    'json_extract_path',
    ['JSON', 'TEXT'],
    'JSON',
    (value: unknown, ...keys: string[]) => keys.reduce(member, value),
    { variadic: true },
  ),

  define('hash', ['ANY_TEXT'], 'BIGINT', hashText),
  define('now', [], 'TIMESTAMP', () => Date.now() * 1000, { volatile: true }),
];

function ceilDecimal(value: Decimal): Decimal {
  const floor = floorDecimal({ ...value, coefficient: -value.coefficient });
  return { coefficient: -floor.coefficient, scale: 0 };
}

function arrayLength(value: unknown): number {
  if (!Array.isArray(value)) throw new RowError('wrong_kind', 'an array is wanted here');
  return value.length;
}

function typeOfJson(value: unknown): string {
  if (Array.isArray(value)) return 'array';
  return typeof value === 'bigint' ? 'number' : typeof value;
}

/** Functions over many rows; streams of single messages have none of them. */
export const aggregates: ReadonlySet<string> = new Set(
  'count sum avg min max array_agg string_agg json_agg jsonb_agg json_object_agg bool_and bool_or every stddev variance row_number rank dense_rank lag lead first_value last_value'.split(
    ' ',
  ),
);
