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

/** Whether an expression is certainly NULL where all of the slots are. */
export function isNullWith(expression: Expression, slots: ReadonlySet<Slot>): boolean {
  switch (expression.op) {
    case 'constant':
      return expression.value === null;
    case 'element':
      return slots.has(expression.slot);
    case 'strict':
      return expression.args.some((arg) => isNullWith(arg, slots));
    case 'lenient':
      return isRead(expression) && expression.args.every((arg) => isNullWith(arg, slots));
    case 'case':
      return (
        expression.branches.every(({ when }) => rejectsNulls(when, slots)) && isNullWith(expression.otherwise, slots)
      );
    default:
      return false;
  }
}
