import type { A_Const } from '@pgsql/types';
import { coerce } from './coerce.js';
import { constant, type Expression } from './expression.js';
import { unsupported } from './unsupported.js';

/** A number, a text, a boolean or NULL that the query writes. Throws `SqlError`. */
export function bindConstant(node: A_Const, offset: number): Expression {
  if (node.isnull) return constant(null, 'UNKNOWN', offset);
  if (node.sval) return constant(node.sval.sval ?? '', 'UNKNOWN', offset);
  if (node.boolval) return constant(node.boolval.boolval ?? false, 'BOOLEAN', offset);
  if (node.ival) return constant(node.ival.ival ?? 0, 'INTEGER', offset);
  if (node.fval) {
    return wideNumber(node.fval.fval ?? '', offset);
  }
  throw unsupported('a bit string', offset, "write a number, or bytes: '\\x1f'::bytea");
}

/** A number that is no INTEGER as the parser wrote it: one with a point or an exponent, or a whole one that is larger, or negative. */
function wideNumber(text: string, offset: number): Expression {
  const literal = constant(text, 'UNKNOWN', offset);
  if (!/^-?(?:\d[\d_]*|0[xob][\da-f_]+)$/i.test(text)) return coerce(literal, 'NUMERIC');
  const value = BigInt(text.replaceAll('_', '').replace('-', '')) * (text.startsWith('-') ? -1n : 1n);
  const type =
    BigInt.asIntN(32, value) === value ? 'INTEGER' : BigInt.asIntN(64, value) === value ? 'BIGINT' : 'NUMERIC';
  return coerce({ ...literal, value: String(value) } as Expression, type);
}
