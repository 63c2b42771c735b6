import { JsonFieldSearch, type JsonText, type Message } from '@laminar/codecs';
import { isVolatile } from '../bind/call.js';
import type { Expression } from '../bind/expression.js';
import { type Branch, parts } from '../bind/plan.js';
import type { DecodedMessage } from '../contract.js';
import { RowError } from '../errors.js';
import { Emitter } from './emit.js';

/** Conditions and their size up to which they are looked at before a message is read. */
const conditionsMax = 8;
const partsMax = 200;
/** Combinations of values that are tried for one condition. */
const combinationsMax = 16;
/** After so many tries it is asked whether they were worth it; if not, so many messages are read at once. */
const triesPerRound = 64;
const messagesPerRest = 2048;
/** Which they are where at least that share of the messages is dropped: those that are not have cost a search for nothing. */
const dropShareMin = 0.6;

/** One of the conditions that must hold for a row, as a function of `values`, where its fields stand. */
interface Condition {
  readonly holds: (values: readonly unknown[], message: Message) => boolean;
  /** Indices into `values`. */
  readonly fields: readonly number[];
}

/**
 * Tells messages that the filters of a select drop without reading them: it looks for the fields that the filters read by the bytes of their keys, and tries the
 * filters with every value that a field may have. Only where none of them holds, and none fails, the message is dropped. Everything else is for those who read
 * the message.
 */
export class Dropping {
  readonly #values: unknown[];
  /** For each field of a condition which of its values is tried. */
  readonly #picks: number[];
  #tries = 0;
  #drops = 0;
  #rest = 0;

  private constructor(
    readonly conditions: readonly Condition[],
    readonly searches: readonly JsonFieldSearch[],
  ) {
    this.#values = searches.map(() => undefined);
    this.#picks = searches.map(() => 0);
  }

  /** Undefined where the filters depend on more than fields and metadata. */
  static of({ filters }: Pick<Branch, 'filters'>): Dropping | undefined {
    const conditions = leading(filters.flatMap(conjuncts));
    if (conditions.length === 0) return undefined;
    const names: string[] = [];
    const slot = (name: string): string => {
      const known = names.indexOf(name);
      return `values[${known === -1 ? names.push(name) - 1 : known}]`;
    };
    const emitter = new Emitter(slot);
    const codes = conditions.map((condition) => emitter.condition(condition));
    const body = [
      '"use strict";',
      ...emitter.constants.map((_, i) => `const c${i} = constants[${i}];`),
      `return [${codes.map((code) => `(values, message) => { ${emitter.declarations()} return ${code}; }`).join(',\n')}];`,
    ].join('\n');
    const functions: Condition['holds'][] = new Function('constants', body)(emitter.constants);
    return new Dropping(
      conditions.map((condition, i) => ({
        holds: functions[i] as Condition['holds'],
        fields: fieldsOf(condition).map((name) => names.indexOf(name)),
      })),
      names.map((name) => JsonFieldSearch.of(name)),
    );
  }

  /** Whether no row comes of the message, and reading it would raise no error of a row. False says nothing. */
  drops(decoded: DecodedMessage): boolean {
    if (this.#rest > 0) {
      this.#rest--;
      return false;
    }
    const drops = this.#tries++ < triesPerRound && this.#isDropped(decoded);
    if (drops) this.#drops++;
    if (this.#tries >= triesPerRound) {
      if (this.#drops < this.#tries * dropShareMin) this.#rest = messagesPerRest;
      this.#tries = 0;
      this.#drops = 0;
    }
    return drops;
  }

  #isDropped(decoded: DecodedMessage): boolean {
    try {
      let text: JsonText | undefined;
      for (const condition of this.conditions) {
        if (condition.fields.length > 0) {
          text ??= decoded.searchable();
          if (!text || !this.#search(condition, text)) return false;
        }
        const outcome = this.#try(condition, decoded.message);
        if (outcome !== 'maybe') return outcome === 'never';
      }
      return false;
    } catch (error) {
      if (error instanceof RowError) return false;
      throw error;
    }
  }

  #search({ fields }: Condition, text: JsonText): boolean {
    let combinations = 1;
    for (const field of fields) {
      const search = this.searches[field];
      if (!search?.search(text)) return false;
      combinations *= search.count;
    }
    return combinations <= combinationsMax;
  }

  /** Tries every combination, since one that fails may be the true one. Throws `RowError`. */
  #try({ holds, fields }: Condition, message: Message): 'never' | 'maybe' {
    const values = this.#values;
    const picks = this.#picks;
    for (const field of fields) {
      picks[field] = 0;
      values[field] = undefined;
    }
    let outcome: 'never' | 'maybe' = 'never';
    for (;;) {
      if (holds(values, message)) outcome = 'maybe';
      let turned = 0;
      for (; turned < fields.length; turned++) {
        const field = fields[turned] as number;
        const search = this.searches[field] as JsonFieldSearch;
        const pick = ((picks[field] as number) + 1) % search.count;
        picks[field] = pick;
        values[field] = search.values[pick];
        if (pick !== 0) break;
      }
      if (turned === fields.length) return outcome;
    }
  }
}

/** What must hold one after the other. */
const conjuncts = (filter: Expression): readonly Expression[] =>
  filter.op === 'and' ? filter.args.flatMap(conjuncts) : [filter];

/** The conditions up to the first that depends on something else: an error in that one comes before all behind it. */
function leading(conditions: readonly Expression[]): readonly Expression[] {
  const end = conditions.findIndex((condition) => {
    const all = [...parts(condition)];
    return all.length > partsMax || all.some(isOutside) || !fieldsOf(condition).every(JsonFieldSearch.canFind);
  });
  return conditions.slice(0, Math.min(end === -1 ? conditions.length : end, conditionsMax));
}

const isOutside = (part: Expression): boolean =>
  part.op === 'payload' || part.op === 'written' || part.op === 'call' || isVolatile(part);

const fieldsOf = (condition: Expression): readonly string[] => [
  ...new Set([...parts(condition)].flatMap((part) => (part.op === 'field' ? [part.name] : []))),
];
