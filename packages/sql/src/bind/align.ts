import { SqlError } from '../errors.js';
import { aType, coerce, commonType, toJson } from './coerce.js';
import type { Expression, Type } from './expression.js';

/** From what PostgreSQL converts to what: a later type takes an earlier one. */
const numberOrder: readonly Type[] = ['SMALLINT', 'INTEGER', 'BIGINT', 'NUMERIC', 'REAL', 'DOUBLE PRECISION'];

/** All of one type, as PostgreSQL settles it for CASE, COALESCE and the like. Throws `SqlError`. */
export function alignAll(args: readonly Expression[], what: string): Expression[] {
  let type: Type = 'UNKNOWN';
  for (const arg of args) {
    const common: Type | undefined = mixed(type, arg.type);
    if (common === undefined)
      throw new SqlError(
        'type_mismatch',
        `${what} cannot give both ${aType(type)} and ${aType(arg.type)}`,
        arg.offset,
        'cast one of them',
      );
    type = common;
  }
  const target = type === 'UNKNOWN' ? 'TEXT' : type;
  return args.map((arg) => (target === 'JSON' ? toJson(arg) : coerce(arg, target)));
}

function mixed(a: Type, b: Type): Type | undefined {
  // Beside JSON everything becomes JSON: a field may hold any kind.
  if ((a === 'JSON' && b !== 'UNKNOWN') || (b === 'JSON' && a !== 'UNKNOWN')) return 'JSON';
  const [x, y] = [numberOrder.indexOf(a), numberOrder.indexOf(b)];
  return x !== -1 && y !== -1 ? numberOrder[Math.max(x, y)] : commonType(a, b);
}
