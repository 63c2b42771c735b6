import { RowError, SqlError } from '../errors.js';
import { comparingElements } from '../functions/array.js';
import type { Overload, Parameter, SqlFunction } from '../functions/definition.js';
import { textWriter } from '../values/convert.js';
import { equalityOf } from '../values/order.js';
import { coerce, commonType, settled, toJson, toText, typeName } from './coerce.js';
import { implicitConversion } from './conversions.js';
import { arrayOf, building, type Expression, elementOf, lenient, strict, type Type } from './expression.js';

/** A call of a function by the overload that fits its arguments best. Throws `SqlError`. */
export function callOverload(definition: SqlFunction, args: readonly Expression[], offset: number): Expression {
  const { name, overloads } = definition;
  const byCount = overloads.filter((overload) => takesCount(overload, args.length));
  if (byCount.length === 0)
    throw new SqlError(
      'type_mismatch',
      `${name} takes ${[...new Set(overloads.map(counts))].join(' or ') || 'two arguments'}, not ${args.length}`,
      offset,
      `for example ${definition.example[0]}`,
    );
  const chosen = best(byCount, args) ?? refuse(definition, byCount, args);
  const element = elementTypeOf(chosen, args, name);
  const bound = args.map((arg, i) => argument(arg, parameterAt(chosen, i), element));
  checkLiterals(definition, chosen, bound);
  const type = resultType(chosen, element);
  const evaluate = comparingElements.has(name)
    ? comparing(chosen.evaluate, equalityOf(element ?? 'TEXT'))
    : chosen.evaluate;
  const call = (chosen.strict ? strict : lenient)(type, offset, evaluate, ...bound);
  return chosen.builds ? building(call) : call;
}

function comparing(evaluate: Overload['evaluate'], equal: (a: unknown, b: unknown) => boolean): Overload['evaluate'] {
  return (...args: unknown[]) => evaluate(equal, ...args);
}

function takesCount({ parameters, optional, variadic }: Overload, count: number): boolean {
  return count >= parameters.length - optional && (variadic || count <= parameters.length);
}

const parameterAt = ({ parameters }: Overload, index: number): Parameter =>
  parameters[Math.min(index, parameters.length - 1)] ?? 'ANY_TEXT';

/** The overload with the least conversions, the first of those that are alike; undefined where none fits. */
function best(overloads: readonly Overload[], args: readonly Expression[]): Overload | undefined {
  let chosen: Overload | undefined;
  let least = Number.POSITIVE_INFINITY;
  for (const overload of overloads) {
    const cost = args.reduce((sum, arg, i) => sum + conversionCost(arg.type, parameterAt(overload, i)), 0);
    if (cost < least) [chosen, least] = [overload, cost];
  }
  return chosen;
}

/** PostgreSQL takes the overload with most exact types, then the one that takes its preferred ones, DOUBLE PRECISION and TEXT. */
function conversionCost(from: Type, to: Parameter): number {
  if (from === to) return 0;
  if (to === 'ANY_TEXT' || to === 'ANY_OUTPUT' || to === 'ANY_JSON') return 0;
  if (to === 'ELEMENT') return 1;
  if (to === 'ANY_ARRAY')
    return elementOf(from) || from === 'JSON' || from === 'UNKNOWN' ? 1 : Number.POSITIVE_INFINITY;
  if (from === 'UNKNOWN')
    return to === 'TEXT' ? 1 : to === 'NUMBER' ? 4 : to === 'DOUBLE PRECISION' || to === 'TIMESTAMP' ? 2 : 3;
  if (from === 'JSON') return jsonCosts[to] ?? 4;
  // An array of JSON holds what the elements are.
  if (implicitConversion(from, to) === undefined && !elementwise(from, to)) return Number.POSITIVE_INFINITY;
  if (to === 'NUMBER') return 9;
  return to === 'DOUBLE PRECISION' || to === 'TIMESTAMP' ? 1 : to === 'INTEGER' || to === 'BIGINT' ? 1.5 : 2;
}

const jsonCosts: { readonly [type: string]: number | undefined } = {
  NUMBER: 1,
  TEXT: 1,
  'DOUBLE PRECISION': 2,
  TIMESTAMP: 2,
};

/** Where a TEXT[] is wanted, elements of any type are taken as their texts: array_to_string. */
const elementwise = (from: Type, to: Parameter): boolean => to === 'TEXT[]' && elementOf(from) !== undefined;

function refuse({ name, example }: SqlFunction, overloads: readonly Overload[], args: readonly Expression[]): never {
  const wrong = args.findIndex((arg, i) =>
    overloads.every((overload) => conversionCost(arg.type, parameterAt(overload, i)) === Number.POSITIVE_INFINITY),
  );
  const arg = args[Math.max(0, wrong)] as Expression;
  const wanted = [...new Set(overloads.map((overload) => parameterName(parameterAt(overload, Math.max(0, wrong)))))];
  throw new SqlError(
    'type_mismatch',
    `${name} takes ${wanted.filter((type) => type !== undefined).join(' or ')} here, not ${typeName(settled(arg).type)}`,
    arg.offset,
    `cast it; for example ${example[0]}`,
  );
}

/** A parameter as errors and the reference name it; an untyped number of JSON goes without saying. */
export function parameterName(parameter: Parameter): string | undefined {
  if (parameter === 'NUMBER') return undefined;
  if (parameter === 'ANY_TEXT' || parameter === 'ANY_OUTPUT' || parameter === 'ANY_JSON') return 'any value';
  if (parameter === 'ANY_ARRAY') return 'an array';
  return parameter === 'ELEMENT' ? 'an element' : parameter;
}

/** The type of elements that all arrays and elements among the arguments have in common. */
function elementTypeOf(
  overload: Overload,
  args: readonly Expression[],
  name: string,
): Exclude<Type, 'NUMBER' | 'UNKNOWN'> | undefined {
  let common: Type | undefined;
  for (const [i, arg] of args.entries()) {
    const parameter = parameterAt(overload, i);
    if (parameter !== 'ANY_ARRAY' && parameter !== 'ELEMENT') continue;
    const own = parameter === 'ELEMENT' ? elementLike(arg.type) : arrayElement(arg.type);
    if (own === 'UNKNOWN') continue;
    const both = common === undefined ? own : commonType(common, own);
    if (both === undefined)
      throw new SqlError(
        'type_mismatch',
        `${name} takes elements of one type, not ${typeName(common ?? own)} and ${typeName(own)}`,
        arg.offset,
        'cast one of them',
      );
    common = both === 'NUMBER' ? 'JSON' : both;
  }
  const mentioned = overload.parameters.some((parameter) => parameter === 'ANY_ARRAY' || parameter === 'ELEMENT');
  if (!mentioned) return undefined;
  return common === undefined || common === 'UNKNOWN' || common === 'NUMBER' ? 'TEXT' : common;
}

const elementLike = (type: Type): Type => (type === 'NUMBER' ? 'JSON' : type);
const arrayElement = (type: Type): Type => elementOf(type) ?? (type === 'JSON' ? 'JSON' : 'UNKNOWN');

function argument(arg: Expression, parameter: Parameter, element: Type | undefined): Expression {
  switch (parameter) {
    case 'ANY_TEXT':
      return toText(arg);
    case 'ANY_OUTPUT':
      return arg.type === 'BOOLEAN'
        ? strict('TEXT', arg.offset, (value: boolean) => (value ? 't' : 'f'), arg)
        : toText(arg);
    case 'ANY_JSON':
      return toJson(arg);
    case 'ELEMENT':
      return element === 'JSON' ? toJson(arg) : coerce(arg, element ?? 'TEXT');
    case 'ANY_ARRAY':
      return coerce(arg, arrayOf(element ?? 'TEXT') ?? 'TEXT[]');
    case 'TEXT[]':
      return elementOf(arg.type) ? textElements(arg) : coerce(arg, parameter);
    default:
      return coerce(arg, parameter);
  }
}

/** The elements as their types write them. */
function textElements(array: Expression): Expression {
  const element = elementOf(array.type);
  if (element === undefined || element === 'TEXT') return array;
  const write = element === 'BOOLEAN' ? (value: boolean) => (value ? 't' : 'f') : textWriter(element);
  return strict(
    'TEXT[]',
    array.offset,
    (elements: readonly unknown[]) =>
      elements.map((item) => (item === null || item === undefined ? null : write(item as never))),
    array,
  );
}

function resultType({ returns }: Overload, element: Type | undefined): Type {
  if (returns === 'ELEMENT') return element ?? 'TEXT';
  if (returns === 'ANY_ARRAY') return arrayOf(element ?? 'TEXT') ?? 'TEXT[]';
  return returns;
}

/** What a literal gets wrong is said when the query is bound, not for each row. */
function checkLiterals(definition: SqlFunction, overload: Overload, args: readonly Expression[]): void {
  const check = overload.check?.literals ?? definition.check;
  if (!check) return;
  const values = args.map((arg) => (arg.op === 'constant' && arg.value !== null ? arg.value : undefined));
  try {
    check(...values);
  } catch (error) {
    if (!(error instanceof RowError)) throw error;
    const literal = args.find((arg) => arg.op === 'constant');
    throw new SqlError(
      error.code === 'too_large' ? 'too_large' : 'type_mismatch',
      error.message,
      literal?.offset ?? 0,
      `for example ${overload.check?.example ?? definition.example[0]}`,
    );
  }
}

const counts = ({ parameters, optional, variadic }: Overload): string => {
  const least = parameters.length - optional;
  const plural = (count: number) => (count === 1 ? 'argument' : 'arguments');
  if (variadic) return `at least ${least} ${plural(least)}`;
  if (optional === 0) return least === 0 ? 'no arguments' : `${least} ${plural(least)}`;
  return `${least} to ${parameters.length} arguments`;
};
