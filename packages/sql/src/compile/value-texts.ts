import { fieldRead } from '../bind/coerce.js';
import type { Expression } from '../bind/expression.js';
import { arrayPath, choices, type MessagePath, messagePath } from '../bind/message-path.js';
import { parts } from '../bind/plan.js';
import type { CallResults } from '../calls.js';
import type { DecodedMessage } from '../contract.js';
import { followSteps } from '../values/json-path.js';
import type { ElementPlaces } from './element-places.js';
import type { Emitter } from './emit.js';
import type { FieldReads } from './field-reads.js';
import { serializerOf, staysAs } from './serialize.js';

/** What JSON that is read as an array of JSON is written as, where it is one. */
const arrayOrNull = /^[[n]/;

/** Writes the code of the JSON texts of values. */
export class ValueTexts {
  constructor(
    readonly emitter: Emitter,
    readonly fields: FieldReads,
    readonly places: ElementPlaces,
  ) {}

  /** The JSON text of a value. A value of JSON that goes out as it came keeps its bytes; other fields are in the message already, more often than not. */
  of(expression: Expression): string {
    const text = this.#text(expression);
    return hasCall(expression) ? `${this.emitter.constant(goingOn)}(results, () => ${text})` : text;
  }

  #text(expression: Expression): string {
    return (
      this.#came(expression) ??
      this.#chosen(expression) ??
      this.#stays(expression) ??
      this.#written(expression, this.emitter.value(expression))
    );
  }

  /** The text of the value that the code gives, written anew. */
  #written({ type }: Expression, value: string): string {
    const variable = this.emitter.variable();
    const serialize = this.emitter.constant(serializerOf(type));
    return `((${variable} = ${value}) == null ? "null" : ${serialize}(${variable}))`;
  }

  /** Of JSON that stands in the message, and is written only where that is no JSON whose bytes can be had. */
  #came(expression: Expression): string | undefined {
    const path = messagePath(expression, this.places.lists);
    return path && `(${this.#raw(path)} ?? ${this.#written(expression, this.#value(path))})`;
  }

  #raw({ root, steps: path }: MessagePath): string {
    const steps = this.emitter.constant(path);
    switch (root.op) {
      case 'element': {
        const { elements, index } = this.places.of(root.slot);
        return `${elements}?.rawText(${index}, ${steps})`;
      }
      case 'payload':
        if (path.length === 0) return `${this.emitter.constant(payloadText)}(decoded)`;
        return `decoded.rawTextWithin(undefined, ${steps})`;
      case 'field': {
        const name = this.#name(root.name);
        return path.length === 0 ? `decoded.rawText(${name})` : `decoded.rawTextWithin(${name}, ${steps})`;
      }
    }
  }

  #value({ root, steps }: MessagePath): string {
    const value =
      root.op === 'element'
        ? this.emitter.slot(root.slot)
        : root.op === 'payload'
          ? 'decoded.value()'
          : `decoded.field(${this.#name(root.name)})`;
    if (steps.length === 0) return value;
    return `${this.emitter.constant(followSteps)}(${value}, ${this.emitter.constant(steps)})`;
  }

  /** Of one value among several, some of which stand in the message. */
  #chosen(expression: Expression): string | undefined {
    if (expression.type !== 'JSON' || (expression.op !== 'case' && expression.op !== 'coalesce')) return undefined;
    if (!choices(expression).some((choice) => messagePath(choice, this.places.lists))) return undefined;
    if (expression.op === 'case') return this.emitter.choice(expression, (result) => this.#text(result));
    // The text is `null` where the value is NULL, and nowhere else.
    const variable = this.emitter.variable();
    const tries = expression.args.map((arg) => `(${variable} = ${this.#text(arg)}) !== "null"`);
    return `(${tries.join(' || ')}, ${variable})`;
  }

  /** Of a field that is read as a type that it is written the same for. */
  #stays(expression: Expression): string | undefined {
    if (expression.op === 'field') {
      const name = this.#name(expression.name);
      return `(decoded.fieldText(${name}) ?? ${this.#written(expression, `decoded.field(${name})`)})`;
    }
    const array = arrayPath(expression, this.places.lists);
    if (array)
      return this.#where(this.#raw(array), arrayOrNull, this.#written(expression, this.emitter.value(expression)));
    const read = fieldRead(expression);
    const stays = staysAs[expression.type];
    if (!read || !stays) return undefined;
    const name = this.#name(read.name);
    const anew = this.#written(expression, `${this.emitter.constant(read.convert)}(decoded.field(${name}))`);
    return this.#where(`decoded.fieldText(${name})`, stays, anew);
  }

  /** The text that the code gives where it gives one, and that is of the pattern. */
  #where(text: string, pattern: RegExp, otherwise: string): string {
    const variable = this.emitter.variable();
    const isSuch = `(${variable} = ${text}) !== undefined && ${this.emitter.constant(pattern)}.test(${variable})`;
    return `(${isSuch} ? ${variable} : ${otherwise})`;
  }

  #name(name: string): string {
    return this.emitter.constant(this.fields.name(name));
  }
}

const hasCall = (expression: Expression): boolean => [...parts(expression)].some(({ op }) => op === 'call');

/** A value that lacks the result of a call does not keep the others of its row from theirs. */
function goingOn(results: CallResults, text: () => string): string {
  try {
    return text();
  } catch (error) {
    results.goOnWithout(error);
    return '';
  }
}

/** The text of a payload of JSON, without the white space around it. */
function payloadText(decoded: DecodedMessage): string | undefined {
  const bytes = decoded.rawPayload();
  return bytes && Buffer.prototype.utf8Slice.call(bytes, 0, bytes.length).trim();
}
