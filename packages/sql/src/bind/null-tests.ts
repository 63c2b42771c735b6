import { isRead } from './coerce.js';
import { type Expression, type Inline, inline, type Slot } from './expression.js';

/** The tests that are never NULL: `x IS NULL`, `x IS TRUE` and the like. */
export const isNull = inline((a) => `${a} == null`);
export const isNotNull = inline((a) => `${a} != null`);
const isTrue = inline((a) => `${a} === true`);
const isFalse = inline((a) => `${a} === false`);

/** By PostgreSQL's names in the tree. */
export const booleanTests: { readonly [test: string]: Inline | undefined } = {
  IS_TRUE: isTrue,
  IS_NOT_TRUE: inline((a) => `${a} !== true`),
  IS_FALSE: isFalse,
  IS_NOT_FALSE: inline((a) => `${a} !== false`),
  IS_UNKNOWN: isNull,
  IS_NOT_UNKNOWN: isNotNull,
};

/** Tests that fail for NULL. */
const failForNull: ReadonlySet<unknown> = new Set([isNotNull, isTrue, isFalse]);

/** Whether a condition certainly does not hold where all of the slots are NULL. */
export function rejectsNulls(condition: Expression, slots: ReadonlySet<Slot>): boolean {
  switch (condition.op) {
    case 'and':
      return condition.args.some((arg) => rejectsNulls(arg, slots));
    case 'or':
      return condition.args.every((arg) => rejectsNulls(arg, slots));
    case 'lenient':
      return failForNull.has(condition.evaluate) && condition.args.every((arg) => isNullWith(arg, slots));
    default:
      return isNullWith(condition, slots);
  }
}

/** Whether an expression is certainly NULL where the slots are. */
function isNullWith(expression: Expression, slots: ReadonlySet<Slot>): boolean {
  if (expression.op === 'element') return slots.has(expression.slot);
  if (expression.op !== 'strict' && expression.op !== 'lenient') return false;
  return (expression.op === 'strict' || isRead(expression)) && expression.args.some((arg) => isNullWith(arg, slots));
}
