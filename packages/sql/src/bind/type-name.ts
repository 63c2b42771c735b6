import { type ColumnType, canonicalColumnType, columnTypeNames, nearestName } from '@laminar/definitions';
import type { TypeName } from '@pgsql/types';
import { SqlError } from '../errors.js';
import { type Decimal, roundDecimal } from '../values/decimal.js';
import { cast } from './coerce.js';
import { type Expression, strict } from './expression.js';
import { unsupported } from './unsupported.js';

/** `arg` cast to a type as PostgreSQL's parse tree names it. Throws `SqlError`. */
export function bindCast(arg: Expression, typeName: TypeName | undefined, offset: number): Expression {
  const type = columnTypeOf(typeName, offset);
  const result = cast(arg, type);
  const [precision, scale = 0] = (typeName?.typmods ?? []).map((mod) =>
    'A_Const' in mod ? (mod.A_Const.ival?.ival ?? 0) : 0,
  );
  if (precision === undefined) return result;
  if (type === 'NUMERIC') return strict(type, offset, (value: Decimal) => roundDecimal(value, scale), result);
  if (type === 'TEXT') return strict(type, offset, (text: string) => [...text].slice(0, precision).join(''), result);
  throw unsupported(`a precision of ${type}`, offset);
}

/** PostgreSQL's parser gives its internal names for the types that have a keyword of their own. */
const internalNames: { readonly [name: string]: ColumnType } = {
  bool: 'BOOLEAN',
  int2: 'SMALLINT',
  int4: 'INTEGER',
  int8: 'BIGINT',
  float4: 'REAL',
  float8: 'DOUBLE PRECISION',
};

function columnTypeOf(typeName: TypeName | undefined, offset: number): ColumnType {
  const names = (typeName?.names ?? []).map((part) => ('String' in part ? (part.String.sval ?? '') : ''));
  const written = names.at(-1) ?? '';
  if ((typeName?.arrayBounds ?? []).length > 0)
    throw unsupported('an array', offset, 'arrays of messages are JSON: take elements with ->');
  if (names.length > 1 && names[0] !== 'pg_catalog') throw unsupported('a schema before the name of a type', offset);
  const type = internalNames[written] ?? canonicalColumnType(written);
  if (type !== undefined) return type;
  const nearest = nearestName(written, columnTypeNames);
  throw new SqlError(
    'unknown_type',
    `there is no type "${written}"`,
    offset,
    nearest === undefined ? undefined : `did you mean ${nearest}?`,
  );
}
