import type { BoolExpr, CaseExpr, Node } from '@pgsql/types';
import { alignAll } from './align.js';
import { coerce } from './coerce.js';
import { compare } from './comparison.js';
import { constant, type Expression, inline, lenient } from './expression.js';
import { not } from './pattern.js';

/** AND, OR, NOT. Throws `SqlError`. */
export function bindBoolean(node: BoolExpr, offset: number, bind: (node: Node | undefined) => Expression): Expression {
  const args = (node.args ?? []).map((arg) => coerce(bind(arg), 'BOOLEAN'));
  if (node.boolop === 'NOT_EXPR') return not(args[0] as Expression);
  return { op: node.boolop === 'AND_EXPR' ? 'and' : 'or', args, type: 'BOOLEAN', offset };
}

/** CASE, of conditions or of what its subject equals. Throws `SqlError`. */
export function bindCase(node: CaseExpr, offset: number, bind: (node: Node | undefined) => Expression): Expression {
  const subject = node.arg ? bind(node.arg) : undefined;
  const whens = (node.args ?? []).flatMap((branch) => ('CaseWhen' in branch ? [branch.CaseWhen] : []));
  const conditions = whens.map(({ expr }) =>
    subject ? compare('=', subject, bind(expr), offset) : coerce(bind(expr), 'BOOLEAN'),
  );
  const results = whens.map(({ result }) => bind(result));
  const otherwise = node.defresult ? bind(node.defresult) : constant(null, 'UNKNOWN', offset);
  const aligned = alignAll([...results, otherwise], 'CASE');
  const branches = conditions.map((when, i) => ({ when, result: aligned[i] as Expression }));
  return { op: 'case', branches, otherwise: aligned.at(-1) as Expression, type: aligned[0]?.type ?? 'TEXT', offset };
}

/** GREATEST and LEAST of arguments that are bound. Throws `SqlError`. */
export function bindMinMax(greatest: boolean, args: readonly Expression[], offset: number): Expression {
  const aligned = alignAll(args, greatest ? 'GREATEST' : 'LEAST');
  // NULLs are left out, and only where all are NULL is the result.
  return aligned.reduce((best, next) => {
    const better = compare(greatest ? '>=' : '<=', best, next, offset);
    const nextIsNull = lenient(
      'BOOLEAN',
      offset,
      inline((a) => `${a} == null`),
      next,
    );
    const keepsBest: Expression = { op: 'or', type: 'BOOLEAN', offset, args: [better, nextIsNull] };
    return { op: 'case', branches: [{ when: keepsBest, result: best }], otherwise: next, type: best.type, offset };
  });
}
