import { type DeclaredType, isTypeProblem, parseDeclaredType } from '@laminar/definitions';
import type { Node, TypeName } from '@pgsql/types';
import { SqlError } from '../errors.js';
import { bounding, type Purpose } from '../values/bounded.js';
import { cast } from './coerce.js';
import { type Expression, strict } from './expression.js';
import { castToInterval } from './interval-type.js';
import { unsupported } from './unsupported.js';

/** `arg` cast to a type as PostgreSQL's parse tree names it. Throws `SqlError`. */
export function bindCast(arg: Expression, typeName: TypeName | undefined, offset: number): Expression {
  const numbers = (typeName?.typmods ?? []).map((node) => modifier(node, offset));
  if (nameOf(typeName, offset) === 'interval' && (typeName?.arrayBounds ?? []).length === 0)
    return castToInterval(arg, numbers, offset);
  const declared = typeOf(typeName, numbers, offset);
  return boundedTo(cast(arg, declared.type), declared, 'cast');
}

/** A value of a type as one within the bounds that are declared with it. */
export const boundedTo = (value: Expression, declared: DeclaredType, purpose: Purpose): Expression =>
  declared.bounds.length === 0 ? value : strict(value.type, value.offset, bounding(declared, purpose), value);

function modifier(node: Node, offset: number): number {
  if ('A_Const' in node && node.A_Const.ival) return node.A_Const.ival.ival ?? 0;
  throw new SqlError('type_mismatch', 'the brackets of a type take whole numbers', offset, 'write NUMERIC(10,2)');
}

/** PostgreSQL's parser gives its internal names for the types that have a keyword of their own; these alone are no names of columns' types. */
const internalNames: { readonly [name: string]: string | undefined } = { bpchar: 'CHAR' };

function nameOf(typeName: TypeName | undefined, offset: number): string {
  const names = (typeName?.names ?? []).map((part) => ('String' in part ? (part.String.sval ?? '') : ''));
  if (names.length > 1 && names[0] !== 'pg_catalog')
    throw unsupported('a schema before the name of a type', offset, 'leave the schema out');
  const written = names.at(-1) ?? '';
  return (Object.hasOwn(internalNames, written) ? internalNames[written] : undefined) ?? written;
}

function typeOf(typeName: TypeName | undefined, numbers: readonly number[], offset: number): DeclaredType {
  const name = nameOf(typeName, offset);
  const dimensions = (typeName?.arrayBounds ?? []).length;
  if (dimensions > 1 || (dimensions === 1 && name === 'interval'))
    throw unsupported(
      `an array of ${name === 'interval' ? 'intervals' : 'arrays'}`,
      offset,
      'arrays have one dimension; nest them as JSON',
    );
  const written = `${name}${numbers.length === 0 ? '' : `(${numbers.join(',')})`}${dimensions === 1 ? '[]' : ''}`;
  const parsed = parseDeclaredType(written);
  if (isTypeProblem(parsed)) throw new SqlError('unknown_type', parsed.problem, offset, parsed.hint);
  return parsed;
}
