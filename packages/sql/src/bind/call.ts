import { nearestName } from '@laminar/definitions';
import { SqlError } from '../errors.js';
import { coerce, settled, toJson, toText } from './coerce.js';
import { type Expression, isNumeric, lenient, strict, type Type } from './expression.js';
import { aggregates, functions, type Parameter, type SqlFunction } from './functions.js';

/** A function that is neither built in nor refused: a user's function of that name may still come. */
export class UnknownFunction extends Error {
  override readonly name = 'UnknownFunction';
}

const byName = new Map<string, SqlFunction[]>();
for (const definition of functions) byName.set(definition.name, [...(byName.get(definition.name) ?? []), definition]);

/** What computes results that the arguments alone do not give. */
const volatileEvaluations: ReadonlySet<unknown> = new Set(
  functions.filter(({ volatile }) => volatile).map(({ evaluate }) => evaluate),
);
export const isVolatile = (expression: Expression): boolean =>
  'evaluate' in expression && volatileEvaluations.has(expression.evaluate);

/** Forms of a call that the binder knows apart from the table of functions. */
const specialForms: ReadonlySet<string> = new Set([
  'json_extract',
  'mod',
  'coalesce',
  'nullif',
  'greatest',
  'least',
  'cast',
]);

/** Whether the dialect itself has or refuses a function of this name, so that a user's cannot have it. */
export const isBuiltIn = (name: string): boolean => byName.has(name) || aggregates.has(name) || specialForms.has(name);

export const builtInNames = (): Iterable<string> => byName.keys();

/** A call of a built-in function; `others` are names of users' functions, one of which may have been meant. Throws `SqlError`, `UnknownFunction`. */
export function callFunction(
  name: string,
  args: readonly Expression[],
  offset: number,
  others: Iterable<string> = [],
): Expression {
  const candidates = byName.get(name);
  if (!candidates) {
    if (aggregates.has(name))
      throw new SqlError(
        'unsupported',
        `${name}(...) over several messages is not supported`,
        offset,
        'a pipeline looks at one message at a time',
      );
    const nearest = nearestName(name, [...byName.keys(), ...others]);
    throw new UnknownFunction(
      `there is no function "${name}"${nearest === undefined ? '' : `; did you mean "${nearest}"?`}`,
    );
  }
  const chosen = candidates.find((candidate) => takes(candidate, args.length));
  if (!chosen)
    throw new SqlError(
      'type_mismatch',
      `${name} takes ${candidates.map(signature).join(' or ')}, not ${args.length} arguments`,
      offset,
    );
  const bound = args.map((arg, i) =>
    argument(arg, chosen.parameters[Math.min(i, chosen.parameters.length - 1)] ?? 'ANY_TEXT', name),
  );
  const type: Type = chosen.returns === 'ARGUMENT' ? (bound[0]?.type ?? 'NUMBER') : chosen.returns;
  return (chosen.strict ? strict : lenient)(type, offset, chosen.evaluate, ...bound);
}

function takes({ parameters, optional = 0, variadic = false }: SqlFunction, count: number): boolean {
  return count >= parameters.length - optional && (variadic || count <= parameters.length);
}

function argument(arg: Expression, parameter: Parameter, name: string): Expression {
  if (parameter === 'ANY_TEXT') return toText(arg);
  if (parameter === 'ANY_JSON') return toJson(arg);
  if (parameter === 'INTEGER' && (arg.type === 'BIGINT' || arg.type === 'NUMBER')) return { ...arg, type: 'INTEGER' };
  if (parameter !== 'NUMERIC_KIND') return coerce(arg, parameter);
  const number =
    arg.type === 'JSON' ? coerce(arg, 'NUMBER') : arg.type === 'UNKNOWN' ? coerce(arg, 'DOUBLE PRECISION') : arg;
  if (!isNumeric(number.type))
    throw new SqlError(
      'type_mismatch',
      `${name} takes a number, not a ${settled(arg).type}`,
      arg.offset,
      'cast it to a number',
    );
  return number;
}

const signature = ({ parameters, optional = 0, variadic = false }: SqlFunction): string => {
  const count = parameters.length - optional;
  if (variadic) return `at least ${count} arguments`;
  return optional === 0 ? `${count} arguments` : `${count} to ${parameters.length} arguments`;
};
