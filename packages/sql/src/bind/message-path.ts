import { FieldName, type JsonStep } from '@laminar/codecs';
import { extractPath } from '../values/json.js';
import {
  elementOrItself,
  follow,
  followText,
  isElementText,
  keepsScalar,
  member,
  type PathStep,
} from '../values/json-path.js';
import { elements, itself } from '../values/members.js';
import { isRead } from './coerce.js';
import type { Evaluate, Expression, Slot } from './expression.js';
import type { Expansion } from './plan.js';

/** Where a value of JSON stands in a message, so that it can go out just as it stands there. */
export interface MessagePath {
  readonly root: Root;
  /** The way from there. */
  readonly steps: readonly JsonStep[];
}

/** A top-level field, the whole payload, or an element of a list in FROM. */
type Root = Extract<Expression, { op: 'field' | 'payload' | 'element' }>;

/** Where lists stand whose elements are taken one by one, by the slot of the elements. */
export type ListPaths = ReadonlyMap<Slot, MessagePath>;

/**
 * The path of an expression that does nothing but take a value out of a message, by steps that are constant; undefined for all others, and for elements of what is
 * none of `lists`.
 */
export function messagePath(expression: Expression, lists: ListPaths): MessagePath | undefined {
  const { op, type } = expression;
  if (type !== 'JSON' || (op === 'element' && !lists.has(expression.slot))) return undefined;
  if (op === 'field' || op === 'payload' || op === 'element') return { root: expression, steps: [] };
  if (op !== 'strict') return undefined;
  const [value, ...keys] = expression.args;
  const steps = value && stepsOf(expression.evaluate, keys);
  const path = steps && messagePath(value, lists);
  return path && fromField({ root: path.root, steps: [...path.steps, ...steps] });
}

/** A member of the payload is a field, which is read without the others; what may be an element as well is none. */
function fromField(path: MessagePath): MessagePath {
  const [first, ...steps] = path.steps;
  if (path.root.op !== 'payload' || !first?.member || first.element !== undefined) return path;
  const { type, offset } = path.root;
  return { root: { op: 'field', name: first.member.text, type, offset }, steps };
}

function stepsOf(evaluate: Evaluate, keys: readonly Expression[]): readonly JsonStep[] | undefined {
  const extracted = extractions.get(evaluate);
  if (extracted) return extracted.map(stepOf);
  const constants = keys.map((key) => (key.op === 'constant' ? key.value : null));
  const [first] = constants;
  if (constants.includes(null)) return undefined;
  if (evaluate === member) return [memberStep(first as string)];
  if (evaluate === elementOrItself)
    return [{ ...elementStep(first as number), keepsScalar: keepsScalar(first as number) }];
  if (evaluate === extractPath) return textSteps(constants as readonly string[]);
  return evaluate === pathFollower ? textSteps(first as readonly (string | null)[]) : undefined;
}

const stepOf = (step: PathStep): JsonStep => (typeof step === 'number' ? elementStep(step) : memberStep(step));

const memberStep = (name: string): JsonStep => ({
  member: new FieldName(name),
  element: undefined,
  keepsScalar: false,
});

const elementStep = (element: number): JsonStep => ({ member: undefined, element, keepsScalar: false });

/** Steps that lead into objects and arrays alike. */
function textSteps(keys: readonly (string | null)[]): readonly JsonStep[] | undefined {
  if (keys.includes(null)) return undefined;
  return (keys as readonly string[]).map((text) => ({
    member: new FieldName(text),
    element: isElementText(text) ? Number(text) : undefined,
    keepsScalar: false,
  }));
}

/** What evaluates `#>`. */
export const pathFollower = (json: unknown, path: readonly (string | null)[]): unknown =>
  path.includes(null) ? null : followText(json, path as readonly string[]);

/** The steps of what evaluates a call of JSON_EXTRACT. */
const extractions = new WeakMap<Evaluate, readonly PathStep[]>();

/** What evaluates a call of JSON_EXTRACT by that path. */
export function extraction(steps: readonly PathStep[]): Evaluate {
  const evaluate = (value: unknown) => follow(value, steps);
  extractions.set(evaluate, steps);
  return evaluate;
}

/** Of the lists that functions in FROM take apart those that stand in the message; the others are computed. */
export function listPaths(expansions: readonly Expansion[]): ListPaths {
  const paths = new Map<Slot, MessagePath>();
  for (const { lists } of expansions)
    for (const { list, slot } of lists) {
      const path = listPath(list, paths);
      if (path) paths.set(slot, path);
    }
  return paths;
}

function listPath(list: Expression, lists: ListPaths): MessagePath | undefined {
  const array = arrayPath(list, lists);
  if (array || list.op !== 'strict') return array;
  const [value] = list.args;
  if (!value) return undefined;
  if (list.evaluate === itself) return listPath(value, lists);
  return list.evaluate === elements ? messagePath(value, lists) : undefined;
}

/** The path of JSON that is read as an array of JSON: it has the same elements, unless it is a text, which is no array where it stands. */
export function arrayPath(expression: Expression, lists: ListPaths): MessagePath | undefined {
  const [value] = expression.type === 'JSON[]' && expression.op === 'lenient' ? expression.args : [];
  return value && isRead(expression) ? messagePath(value, lists) : undefined;
}

/** The expressions one of which gives the value just as it is: the results of a CASE, the arguments of a COALESCE; else the expression itself. */
export function choices(expression: Expression): readonly Expression[] {
  if (expression.op === 'coalesce') return expression.args.flatMap(choices);
  if (expression.op !== 'case') return [expression];
  return [...expression.branches.map(({ result }) => result), expression.otherwise].flatMap(choices);
}
