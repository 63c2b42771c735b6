import { FieldName, stringifyJson } from '@laminar/codecs';
import { type Expression, elementOf, Inline, type Slot, type Type } from '../bind/expression.js';
import type { CallResults } from '../calls.js';
import type { UserFunction } from '../user-functions.js';
import { checkBytes, checkElements, checkedSize, checkLength, valueSizeMax } from '../values/size.js';

/** Branches of a CASE that are written as one conditional expression within the other. */
const branchesNested = 100;

type Strict = Extract<Expression, { op: 'strict' }>;
type Lenient = Extract<Expression, { op: 'lenient' }>;

const declaredWith = (sizeMax: string): string => `let at = 0;
const sizeMax = ${sizeMax};`;

/** What the code of expressions reads and writes beside its own variables: `at` is where what was called last stands in the query. */
export const declarations = `const message = decoded.message;
${declaredWith(`Math.max(${valueSizeMax}, message.data.length)`)}`;

/** The same where no expression depends on a message. */
export const declarationsOfConstants = declaredWith(String(valueSizeMax));

/**
 * Writes the code of expressions. Whatever comes from a user - literals, names of fields - goes in as a bound constant:
 * the code itself holds nothing but what this file writes.
 */
export class Emitter {
  readonly constants: unknown[] = [];
  readonly #names = new Map<unknown, string>();
  readonly #slots = new Map<Slot, string>();
  readonly #locals: string[] = [];
  #variables = 0;
  #readsPayload = false;

  /** `field` gives the code that reads a field of the payload. */
  constructor(readonly field: (name: string) => string) {}

  /** The name of a variable that holds `value`. */
  constant(value: unknown): string {
    const known = this.#names.get(value);
    if (known !== undefined) return known;
    const name = `c${this.constants.length}`;
    this.constants.push(value);
    this.#names.set(value, name);
    return name;
  }

  /** The name of a variable of one call. */
  variable(): string {
    return `v${this.#variables++}`;
  }

  /** The name of the variable that holds what stands in a slot. */
  slot(slot: Slot): string {
    const known = this.#slots.get(slot) ?? this.variable();
    this.#slots.set(slot, known);
    return known;
  }

  /** The name of a function that gives what the code does, so that it is written once. */
  local(code: string): string {
    const name = `l${this.#locals.length}`;
    this.#locals.push(`const ${name} = () => ${code};`);
    return name;
  }

  /** Whether code that was written so far reads the variable `payload`. */
  get readsPayload(): boolean {
    return this.#readsPayload;
  }

  /** All variables and functions that were handed out. */
  declarations(): string {
    const names = Array.from({ length: this.#variables }, (_, i) => `v${i}`);
    return [...(names.length === 0 ? [] : [`let ${names.join(', ')};`]), ...this.#locals].join('\n');
  }

  /** An expression in JavaScript that gives the value; NULL is null or undefined. */
  value(expression: Expression): string {
    switch (expression.op) {
      case 'constant':
        return this.#literal(expression.value);
      case 'field':
        return this.field(expression.name);
      case 'written':
        return `decoded.written(${this.constant(new FieldName(expression.name))})`;
      case 'payload':
        this.#readsPayload = true;
        return 'payload';
      case 'metadata':
        return this.#metadata(expression.name);
      case 'element':
        return this.slot(expression.slot);
      case 'strict':
        return this.#strict(expression);
      case 'lenient':
        return this.#lenient(expression);
      case 'call':
        return this.#call(expression);
      case 'and':
        return this.#logical(expression.args, 'false', 'true');
      case 'or':
        return this.#logical(expression.args, 'true', 'false');
      case 'coalesce':
        return `(${expression.args.map((arg) => this.value(arg)).join(' ?? ')})`;
      case 'case':
        return this.choice(expression);
    }
  }

  /** The same as a condition, for which NULL is as good as false. */
  condition(expression: Expression): string {
    if (expression.op === 'and' || expression.op === 'or') {
      return `(${expression.args.map((arg) => this.condition(arg)).join(expression.op === 'and' ? ' && ' : ' || ')})`;
    }
    if (expression.op === 'strict' && expression.evaluate instanceof Inline) {
      const { guards, names } = this.#arguments(expression.args);
      const code = expression.evaluate.code(...names);
      return guards.length === 0 ? `(${code})` : `(${allGuards(guards, '!=', expression)} && ${code})`;
    }
    return `(${this.value(expression)} === true)`;
  }

  /** As PostgreSQL has it, an operand of AND that is NULL does not keep an error in the next one from being one; a filter may be quicker. */
  #branchCondition(when: Expression): string {
    return when.op === 'and' || when.op === 'or' ? `(${this.value(when)} === true)` : this.condition(when);
  }

  /** What `emit` writes for the result that a CASE comes to. */
  choice(
    { branches, otherwise }: Extract<Expression, { op: 'case' }>,
    emit = (result: Expression): string => this.value(result),
  ): string {
    if (branches.length <= branchesNested) {
      const codes = branches.map(({ when, result }) => `${this.#branchCondition(when)} ? ${emit(result)} : `);
      return `(${codes.join('')}${emit(otherwise)})`;
    }
    // Conditional expressions within each other are as deep as they are many, which JavaScript's own parser has no stack for.
    const name = this.variable();
    const steps = branches.map(
      ({ when, result }) => `(${this.#branchCondition(when)} && (${name} = ${emit(result)}, true))`,
    );
    return `(${steps.join(' || ')} || (${name} = ${emit(otherwise)}), ${name})`;
  }

  #call({ called, args }: Extract<Expression, { op: 'call' }>): string {
    const values = args.map((arg) => this.value(arg)).join(', ');
    return `${this.constant(callResult)}(results, ${this.constant(called)}, [${values}])`;
  }

  #literal(value: unknown): string {
    // Small whole numbers are plain code; they hold nothing that a user could smuggle in.
    if (typeof value === 'number' && Number.isSafeInteger(value) && !Object.is(value, -0))
      return value < 0 ? `(${value})` : String(value);
    if (value === null || typeof value === 'boolean') return String(value);
    return this.constant(value);
  }

  #metadata(name: string): string {
    const code = metadata[name];
    if (code === undefined) throw new Error(`there is no metadata column ${name}`);
    return code;
  }

  #strict(expression: Strict): string {
    const { evaluate, args } = expression;
    const { guards, names } = this.#arguments(args);
    const call = evaluate instanceof Inline ? evaluate.code(...names) : this.#evaluated(expression, evaluate, names);
    if (guards.length === 0) return `(${call})`;
    return `(${allGuards(guards, '==', expression)} ? null : ${call})`;
  }

  #lenient(expression: Lenient): string {
    const { evaluate, args } = expression;
    const assignments: string[] = [];
    const names = args.map((arg) => {
      if (!(evaluate instanceof Inline) && plain.has(arg.op)) return this.value(arg);
      const name = this.variable();
      assignments.push(`${name} = ${this.value(arg)}`);
      return name;
    });
    const call = evaluate instanceof Inline ? evaluate.code(...names) : this.#evaluated(expression, evaluate, names);
    return `(${[...assignments, call].join(', ')})`;
  }

  /** A call whose arguments are there: what it throws is thrown at its place in the query, and what it gives is no larger than it may be. */
  #evaluated(expression: Strict | Lenient, evaluate: unknown, names: readonly string[]): string {
    const { type, offset, builds } = expression;
    const call = `at = ${offset}, ${this.constant(evaluate)}(${names.join(', ')})`;
    const check = lengthCheck(type, builds === true);
    if (check) {
      const name = this.variable();
      return `(${name} = (${call})) != null && ${name}.length > sizeMax ? ${this.constant(check)}(${name}.length, sizeMax) : ${name}`;
    }
    return builds ? `${this.constant(checkedSize)}((${call}), sizeMax)` : `(${call})`;
  }

  /** Each argument in a variable that its guard assigns; literals need none. */
  #arguments(args: readonly Expression[]): { guards: string[]; names: string[] } {
    const guards: string[] = [];
    const names = args.map((arg) => {
      const code = this.value(arg);
      if (isLiteral(arg)) return code;
      const name = this.variable();
      guards.push(`(${name} = ${code})`);
      return name;
    });
    return { guards, names };
  }

  /** Three-valued AND and OR: `decisive` decides whatever the others are, else NULL wins over `neutral`. */
  #logical(args: readonly Expression[], decisive: string, neutral: string): string {
    const names = args.map(() => this.variable());
    const decisions = args.map((arg, i) => `(${names[i]} = ${this.value(arg)}) === ${decisive}`);
    const nulls = names.map((name) => `${name} == null`);
    // An empty list, as of IN (), does not occur: the parser refuses it.
    return `(${decisions.join(' || ')} ? ${decisive} : ${nulls.join(' || ')} ? null : ${neutral})`;
  }
}

const callResult = (results: CallResults, called: UserFunction, args: readonly unknown[]): unknown =>
  results.get(called, stringifyJson(args));
/**
 * Whether no argument is NULL (`!=`), or one is (`==`). PostgreSQL computes all arguments, so that an error in a later one is one beside a NULL too: unless
 * they cannot fail, the guards do not cut each other short.
 */
function allGuards(
  guards: readonly string[],
  sign: '==' | '!=',
  { args, firstDecides }: Pick<Strict, 'args' | 'firstDecides'>,
): string {
  const [head, ...tail] = args;
  if (firstDecides && guards.length > 1) {
    // A literal has no guard.
    if (head && isLiteral(head)) return allGuards(guards, sign, { args: tail });
    const [first = '', ...others] = guards;
    return `${first} ${sign} null ${sign === '==' ? '||' : '&&'} (${allGuards(others, sign, { args: tail })})`;
  }
  const mayFail = tail.some(({ op }) => !plain.has(op));
  const joint = mayFail ? (sign === '==' ? ' | ' : ' & ') : sign === '==' ? ' || ' : ' && ';
  return guards.map((guard) => `${mayFail ? '(' : ''}${guard} ${sign} null${mayFail ? ')' : ''}`).join(joint);
}

/** What refuses a value whose length is more than it may be; undefined for those whose size is not their length, or is not looked at. */
function lengthCheck(type: Type, builds: boolean): ((length: number, limit: number) => void) | undefined {
  if (type === 'TEXT') return checkLength;
  if (type === 'BYTEA') return checkBytes;
  const element = elementOf(type);
  const isPlain = element !== undefined && !['TEXT', 'BYTEA', 'JSON'].includes(element);
  return builds && isPlain ? checkElements : undefined;
}

const isLiteral = (expression: Expression): boolean => expression.op === 'constant' && expression.value !== null;

const plain: ReadonlySet<Expression['op']> = new Set([
  'constant',
  'field',
  'written',
  'payload',
  'metadata',
  'element',
]);

const metadata: { readonly [name: string]: string } = {
  _nats_subject: 'message.subject',
  _nats_reply: 'message.reply',
  _nats_headers: 'message.headers()',
  _nats_timestamp: 'Math.round(message.timestampMs * 1000)',
  _nats_sequence: 'message.sequence',
  _nats_stream: 'message.stream',
  _nats_consumer: 'message.consumer',
  _nats_delivered: 'message.delivered',
};
