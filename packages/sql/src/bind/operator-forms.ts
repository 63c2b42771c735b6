import type { A_Expr, Node } from '@pgsql/types';
import { bindSign } from './arithmetic.js';
import { callFunction } from './call.js';
import { settled } from './coerce.js';
import { alike, compare, compareWithElements } from './comparison.js';
import { constant, type Expression, inline, lenient } from './expression.js';
import { lastName } from './function-call.js';
import { binary } from './operators.js';
import { bindLike, bindSimilar, not } from './pattern.js';
import { negatedInterval } from './time-arithmetic.js';
import { unsupported } from './unsupported.js';

/** An operator, and what PostgreSQL's grammar takes for one: IN, BETWEEN, LIKE, NULLIF, IS DISTINCT FROM. Throws `SqlError`. */
export function bindOperator(node: A_Expr, offset: number, bind: (node: Node | undefined) => Expression): Expression {
  const operator = node.name?.map((part) => ('String' in part ? part.String.sval : '')).join('.') ?? '';
  switch (node.kind) {
    case 'AEXPR_OP':
      return node.lexpr
        ? binary(operator, bind(node.lexpr), bind(node.rexpr), offset)
        : bindUnary(operator, bind(node.rexpr), offset);
    case 'AEXPR_DISTINCT':
    case 'AEXPR_NOT_DISTINCT': {
      const [a, b] = alike(bind(node.lexpr), bind(node.rexpr), offset, 'IS DISTINCT FROM');
      const equal = compare('=', a, b, offset);
      const same = lenient(
        'BOOLEAN',
        offset,
        inline((x, y) => `(${x} == null) === (${y} == null)`),
        a,
        b,
      );
      const bothNull = lenient(
        'BOOLEAN',
        offset,
        inline((x) => `${x} == null`),
        a,
      );
      const equalOrNull: Expression = {
        op: 'and',
        type: 'BOOLEAN',
        offset,
        args: [same, { op: 'or', type: 'BOOLEAN', offset, args: [bothNull, equal] }],
      };
      return node.kind === 'AEXPR_DISTINCT' ? not(equalOrNull) : equalOrNull;
    }
    case 'AEXPR_IN': {
      const left = bind(node.lexpr);
      const items = node.rexpr && 'List' in node.rexpr ? (node.rexpr.List.items ?? []) : [];
      const any: Expression = {
        op: 'or',
        type: 'BOOLEAN',
        offset,
        args: items.map((item) => compare('=', left, bind(item), offset)),
      };
      return operator === '<>' ? not(any) : any;
    }
    case 'AEXPR_NULLIF': {
      const left = settled(bind(node.lexpr));
      const equal = compare('=', left, bind(node.rexpr), offset);
      const branch = { when: equal, result: constant(null, left.type, offset) };
      return { op: 'case', branches: [branch], otherwise: left, type: left.type, offset };
    }
    case 'AEXPR_BETWEEN':
    case 'AEXPR_NOT_BETWEEN': {
      const [low, high] = node.rexpr && 'List' in node.rexpr ? (node.rexpr.List.items ?? []) : [];
      const value = bind(node.lexpr);
      const args = [compare('>=', value, bind(low), offset), compare('<=', value, bind(high), offset)];
      const between: Expression = { op: 'and', type: 'BOOLEAN', offset, args };
      return node.kind === 'AEXPR_BETWEEN' ? between : not(between);
    }
    case 'AEXPR_BETWEEN_SYM':
    case 'AEXPR_NOT_BETWEEN_SYM': {
      const [a, b] = node.rexpr && 'List' in node.rexpr ? (node.rexpr.List.items ?? []) : [];
      const value = bind(node.lexpr);
      const within = (low: Node | undefined, high: Node | undefined): Expression => ({
        op: 'and',
        type: 'BOOLEAN',
        offset,
        args: [compare('>=', value, bind(low), offset), compare('<=', value, bind(high), offset)],
      });
      const between: Expression = { op: 'or', type: 'BOOLEAN', offset, args: [within(a, b), within(b, a)] };
      return node.kind === 'AEXPR_BETWEEN_SYM' ? between : not(between);
    }
    case 'AEXPR_OP_ANY':
    case 'AEXPR_OP_ALL': {
      const quantifier = node.kind === 'AEXPR_OP_ANY' ? 'ANY' : 'ALL';
      return compareWithElements(operator, bind(node.lexpr), bind(node.rexpr), quantifier, offset);
    }
    case 'AEXPR_LIKE':
    case 'AEXPR_ILIKE':
    case 'AEXPR_SIMILAR': {
      const [pattern, escapedBy] = patternAndEscape(node.rexpr);
      const args = [bind(node.lexpr), bind(pattern), escapedBy && bind(escapedBy)] as const;
      const matches =
        node.kind === 'AEXPR_SIMILAR'
          ? bindSimilar(...args, offset)
          : bindLike(...args, node.kind === 'AEXPR_ILIKE', offset);
      return operator.startsWith('!') ? not(matches) : matches;
    }
    default:
      throw unsupported(`the operator ${operator}`, offset);
  }
}

/** `p ESCAPE e` arrives as a call of like_escape(p, e), and the pattern of SIMILAR TO as one of similar_to_escape. */
function patternAndEscape(node: Node | undefined): readonly [pattern: Node | undefined, escape: Node | undefined] {
  const name = node && 'FuncCall' in node ? lastName(node.FuncCall) : undefined;
  if (!node || !('FuncCall' in node) || (name !== 'like_escape' && name !== 'similar_to_escape'))
    return [node, undefined];
  return [node.FuncCall.args?.[0], node.FuncCall.args?.[1]];
}

function bindUnary(operator: string, arg: Expression, offset: number): Expression {
  if (operator === '-' && arg.type === 'INTERVAL') return negatedInterval(arg, offset);
  if (operator === '-' || operator === '+') return bindSign(operator, arg, offset);
  if (operator === '@') return callFunction('abs', [arg], offset);
  if (operator === '|/') return callFunction('sqrt', [arg], offset);
  if (operator === '||/') return callFunction('cbrt', [arg], offset);
  if (operator === '~') return binary('#', arg, constant(-1, 'INTEGER', offset), offset);
  throw unsupported(`the operator ${operator}`, offset);
}
