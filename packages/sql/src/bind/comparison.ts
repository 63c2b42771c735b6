import { SqlError } from '../errors.js';
import { equalityOf, type Order, orderOf } from '../values/order.js';
import { aType, coerce, commonType, settled } from './coerce.js';
import {
  type Evaluate,
  type Expression,
  elementOf,
  inline,
  isInteger,
  isNull,
  lenient,
  strict,
  type Type,
  valueType,
} from './expression.js';

export type Comparison = '=' | '<>' | '<' | '<=' | '>' | '>=';

/** What an order must be for a comparison to hold. */
const comparisons: { readonly [operator in Comparison]: (order: number) => boolean } = {
  '=': (order) => order === 0,
  '<>': (order) => order !== 0,
  '<': (order) => order < 0,
  '<=': (order) => order <= 0,
  '>': (order) => order > 0,
  '>=': (order) => order >= 0,
};
export const isComparison = (operator: string): operator is Comparison => Object.hasOwn(comparisons, operator);

/** `left operator right` (https://www.postgresql.org/docs/18/functions-comparison.html). Throws `SqlError`. */
export function compare(operator: Comparison, left: Expression, right: Expression, offset: number): Expression {
  const [a, b, type] = alike(left, right, offset, operator);
  const code = inlineComparison(operator, type);
  if (code === undefined) return strict('BOOLEAN', offset, comparing(operator, type), a, b);
  const evaluate = inline(code);
  operators.set(evaluate, operator);
  return strict('BOOLEAN', offset, evaluate, a, b);
}

/** The operators of comparisons by what evaluates them: expressions are copied, what they evaluate is not. */
const operators = new WeakMap<Evaluate, Comparison>();

/** The operator where the expression compares two numbers or two times, whose order is that of JavaScript; undefined elsewhere. */
export const plainComparison = (expression: Expression): Comparison | undefined =>
  expression.op === 'strict' ? operators.get(expression.evaluate) : undefined;

/** What says whether a comparison holds for two values of a type, none of them NULL. */
function comparing(operator: Comparison, type: Type): (a: unknown, b: unknown) => boolean {
  if (operator === '=') return equalityOf(valueType(type));
  if (operator === '<>') {
    const equal = equalityOf(valueType(type));
    return (a, b) => !equal(a, b);
  }
  const holds = comparisons[operator];
  const order: Order = orderOf(valueType(type));
  return (a, b) => holds(order(a, b));
}

const scriptOperators: { readonly [operator in Comparison]: string } = {
  '=': '==',
  '<>': '!=',
  '<': '<',
  '<=': '<=',
  '>': '>',
  '>=': '>=',
};

/** The code of a comparison where JavaScript's own is right; undefined elsewhere. A number may stand beside a bigint, which the loose operators compare by value. */
function inlineComparison(operator: Comparison, type: Type): ((a: string, b: string) => string) | undefined {
  const sign = scriptOperators[operator];
  if (type === 'TEXT') return sign === '==' || sign === '!=' ? (a, b) => `${a} ${sign}= ${b}` : undefined;
  if (type === 'REAL' || type === 'DOUBLE PRECISION') return (a, b) => `(${a} ${sign} ${b}${withNaN[operator](a, b)})`;
  const plain = isInteger(type) || ['NUMBER', 'BOOLEAN', 'TIMESTAMP', 'DATE'].includes(type);
  return plain ? (a, b) => `${a} ${sign} ${b}` : undefined;
}

/** NaN is equal to itself and greater than everything else; only looked at where the plain comparison does not hold, or holds for NaN by mistake. */
const withNaN: { readonly [operator in Comparison]: (a: string, b: string) => string } = {
  '=': (a, b) => ` || ${a} !== ${a} && ${b} !== ${b}`,
  '<>': (a, b) => ` && (${a} === ${a} || ${b} === ${b})`,
  '<': (a, b) => ` || ${b} !== ${b} && ${a} === ${a}`,
  '<=': (_, b) => ` || ${b} !== ${b}`,
  '>': (a, b) => ` || ${a} !== ${a} && ${b} === ${b}`,
  '>=': (a) => ` || ${a} !== ${a}`,
};

const isQuoted = (expression: Expression): boolean => expression.type === 'UNKNOWN' && !isNull(expression);

/** Both sides as one type that can be compared. */
export function alike(
  left: Expression,
  right: Expression,
  offset: number,
  what: string,
): [Expression, Expression, Type] {
  const common = commonType(left.type, right.type);
  if (common === undefined) {
    throw new SqlError(
      'type_mismatch',
      `${what} cannot compare ${aType(left.type)} with ${aType(right.type)}`,
      offset,
      'cast one of them',
    );
  }
  // A quoted literal beside a field of JSON is a text, not JSON; NULL is beside it whatever the field is.
  const type = common === 'UNKNOWN' || (common === 'JSON' && [left, right].some(isQuoted)) ? 'TEXT' : common;
  return [coerce(left, type), coerce(right, type), type];
}

/** `value operator ANY (array)` and `ALL` (https://www.postgresql.org/docs/18/functions-comparisons.html). Throws `SqlError`. */
export function compareWithElements(
  operator: string,
  value: Expression,
  array: Expression,
  quantifier: 'ANY' | 'ALL',
  offset: number,
): Expression {
  if (!isComparison(operator))
    throw new SqlError(
      'unsupported',
      `${operator} ${quantifier} is not supported`,
      offset,
      'use =, <>, <, <=, > or >=',
    );
  const element = elementTypeBeside(value, array, quantifier);
  const one = coerce(value, element);
  const many = coerce(array, `${valueType(element)}[]` as Type);
  const holds = comparing(operator, element);
  const decisive = quantifier === 'ANY';
  return lenient(
    'BOOLEAN',
    offset,
    (item: unknown, elements: readonly unknown[] | null | undefined) => {
      if (elements === null || elements === undefined) return null;
      let sawNull = false;
      for (const other of elements) {
        if (item === null || item === undefined || other === null || other === undefined) sawNull = true;
        else if (holds(item, other) === decisive) return decisive;
      }
      return sawNull ? null : !decisive;
    },
    one,
    many,
  );
}

function elementTypeBeside(value: Expression, array: Expression, quantifier: string): Type {
  if (array.type === 'UNKNOWN' || array.type === 'JSON') {
    const type = settled(value).type;
    return type === 'NUMBER' || elementOf(type) ? 'JSON' : type;
  }
  const element = elementOf(array.type);
  if (!element)
    throw new SqlError(
      'type_mismatch',
      `${quantifier} takes an array, not ${aType(array.type)}`,
      array.offset,
      'write ANY (ARRAY[...]), or IN (...)',
    );
  const common = commonType(value.type, element);
  if (common === undefined)
    throw new SqlError(
      'type_mismatch',
      `${aType(value.type)} cannot be compared with elements of ${array.type}`,
      value.offset,
      'cast one of them',
    );
  return common === 'NUMBER' || common === 'UNKNOWN' ? element : common;
}
