import { nearestName } from '../names.js';
import { type ColumnType, canonicalColumnType, columnTypeNames } from './column-types.js';

/** A type as a column or a cast declares it: `NUMERIC(10,2)`. The bounds in brackets hold for its values, or for each element of an array. */
export interface DeclaredType {
  readonly type: ColumnType;
  /** NUMERIC: digits in all, and behind the point; TEXT: characters; TIMESTAMP: digits behind the second. Empty without brackets. */
  readonly bounds: readonly number[];
}

/** What is wrong with the text of a type, and what to write. */
export interface TypeProblem {
  readonly problem: string;
  readonly hint: string;
}

interface Bound {
  readonly what: string;
  readonly min: number;
  readonly max: number;
}

/** PostgreSQL's limits (https://www.postgresql.org/docs/18/datatype.html). */
const boundsOf: { readonly [type: string]: readonly Bound[] | undefined } = {
  NUMERIC: [
    { what: 'the precision of a NUMERIC', min: 1, max: 1000 },
    { what: 'the scale of a NUMERIC', min: -1000, max: 1000 },
  ],
  VARCHAR: [{ what: 'the length of a VARCHAR', min: 1, max: 10_485_760 }],
  TIMESTAMP: [{ what: 'the precision of a TIMESTAMP', min: 0, max: 6 }],
  FLOAT: [{ what: 'the precision of a FLOAT', min: 1, max: 53 }],
};

/** Of the types that take bounds: those that have other names. */
const families: { readonly [name: string]: string | undefined } = {
  NUMERIC: 'NUMERIC',
  DECIMAL: 'NUMERIC',
  DEC: 'NUMERIC',
  VARCHAR: 'VARCHAR',
  'CHARACTER VARYING': 'VARCHAR',
  'CHAR VARYING': 'VARCHAR',
  TIMESTAMP: 'TIMESTAMP',
  TIMESTAMPTZ: 'TIMESTAMP',
  'TIMESTAMP WITHOUT TIME ZONE': 'TIMESTAMP',
  'TIMESTAMP WITH TIME ZONE': 'TIMESTAMP',
  FLOAT: 'FLOAT',
};

const padded = 'write VARCHAR(n), and rpad(x, n) where the spaces are wanted';

/** Types that PostgreSQL or others have, and what stands for them here. */
const instead: { readonly [name: string]: string | undefined } = {
  CHAR: padded,
  CHARACTER: padded,
  BPCHAR: padded,
  NCHAR: padded,
  UUID: 'write TEXT',
  MONEY: 'write NUMERIC(12,2)',
  TIME: 'write TEXT, or TIMESTAMP with a day',
  TIMETZ: 'write TEXT, or TIMESTAMP with a day',
  DATETIME: 'write TIMESTAMP',
  INTERVAL: 'intervals are for expressions alone: write TEXT here, and x::interval where it is used',
  TINYINT: 'write SMALLINT',
  SERIAL: 'write BIGINT: messages bring their numbers',
  BIGSERIAL: 'write BIGINT: messages bring their numbers',
  BLOB: 'write BYTEA',
  XML: 'write TEXT',
  OBJECT: 'write JSON',
};

/** `NAME(1, 2) MORE []`: words with brackets of numbers between or behind them. */
const boundedPattern =
  /^([A-Z][A-Z0-9_ ]*?) ?\( ?([+-]?\d{1,9}(?: ?, ?[+-]?\d{1,9})*) ?\)((?: [A-Z ]+?)??)( ?\[ ?\d* ?\]| ARRAY)?$/;

/** The type that a text writes, bounds and array included, or what is wrong with it. */
export function parseDeclaredType(written: string): DeclaredType | TypeProblem {
  const plain = canonicalColumnType(written);
  if (plain !== undefined) return { type: plain, bounds: [] };
  const name = written.trim().replace(/\s+/g, ' ').toUpperCase();
  const [, first = name, numbers, rest = '', array] = boundedPattern.exec(name) ?? [];
  const base = `${first}${rest}`;
  const family = families[base];
  if (numbers === undefined) return unknownType(written, name);
  if (family === undefined || !Object.hasOwn(families, base)) return boundless(base);
  const bounds = numbers.split(',').map(Number);
  const limits = boundsOf[family] ?? [];
  if (bounds.length > limits.length)
    return {
      problem: `${family} takes ${limits.length === 1 ? 'one number' : 'two numbers at most'} in brackets`,
      hint: `write ${declarationOf(family, bounds.slice(0, limits.length))}`,
    };
  const outside = limits.find(({ min, max }, i) => bounds[i] !== undefined && (bounds[i] < min || bounds[i] > max));
  if (outside)
    return {
      problem: `${outside.what} lies between ${outside.min} and ${outside.max}`,
      hint: `write ${family === 'NUMERIC' ? 'NUMERIC(10,2), or NUMERIC alone, which keeps every digit' : `${base} within these, or without brackets`}`,
    };
  return declared(family, bounds, array !== undefined);
}

/** Up to this precision PostgreSQL's FLOAT(p) is a REAL. */
const realPrecisionMax = 24;

function declared(family: string, bounds: readonly number[], array: boolean): DeclaredType {
  const [first = 0, second = 0] = bounds;
  const suffix = array ? '[]' : '';
  if (family === 'FLOAT')
    return { type: `${first <= realPrecisionMax ? 'REAL' : 'DOUBLE PRECISION'}${suffix}`, bounds: [] };
  if (family === 'NUMERIC') return { type: `NUMERIC${suffix}`, bounds: [first, second] };
  return { type: `${family === 'VARCHAR' ? 'TEXT' : 'TIMESTAMP'}${suffix}`, bounds };
}

export const isTypeProblem = (parsed: DeclaredType | TypeProblem): parsed is TypeProblem => 'problem' in parsed;

/** The canonical text of a type with its bounds: `NUMERIC(10,2)[]`, `VARCHAR(10)`. */
export function declaredTypeName({ type, bounds }: DeclaredType): string {
  if (bounds.length === 0) return type;
  const scalar = type.replace('[]', '');
  return `${declarationOf(scalar === 'TEXT' ? 'VARCHAR' : scalar, bounds)}${type.slice(scalar.length)}`;
}

const declarationOf = (name: string, bounds: readonly number[]): string => `${name}(${bounds.join(',')})`;

function unknownType(written: string, name: string): TypeProblem {
  const problem = `there is no type "${written.trim()}"`;
  const scalar = name.replace(/ ?\[ ?\d* ?\]$| ARRAY$/, '').replace(/ ?\(.*$/, '');
  const known = Object.hasOwn(instead, scalar) ? instead[scalar] : undefined;
  if (known !== undefined) return { problem, hint: known };
  const nearest = nearestName(written, columnTypeNames);
  return {
    problem,
    hint:
      nearest === undefined
        ? `types are ${columnTypeNames.slice(0, 12).join(', ')}, and arrays of these`
        : `did you mean ${nearest}?`,
  };
}

/** Brackets behind a type that takes none. */
function boundless(base: string): TypeProblem {
  const type = canonicalColumnType(base);
  if (type === undefined) return unknownType(base, base);
  return { problem: `${base} takes no numbers in brackets`, hint: `write ${base}` };
}
