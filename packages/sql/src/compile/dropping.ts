import { JsonFieldSearch } from '@laminar/codecs';
import { isVolatile } from '../bind/call.js';
import type { Expression } from '../bind/expression.js';
import { type Branch, parts } from '../bind/plan.js';
import type { DecodedMessage } from '../contract.js';
import { declarations, Emitter } from './emit.js';
import { rowFailure } from './row-failure.js';

/** Conditions and their size up to which they are looked at before a message is read. */
const conditionsMax = 8;
const partsMax = 200;
/** Combinations of values that are tried for one condition. */
const combinationsMax = 16;
/** After so many tries it is asked whether they were worth it; if not, so many messages are read at once: twice as many each time, since a few that pass may come in a row. */
const triesPerRound = 64;
const messagesPerRest = { least: 64, most: 2048 } as const;
/** Which they are where at least that share of the messages is dropped: those that are not have cost a search for nothing. */
const dropShareMin = 0.4;

/**
 * Tells messages that the filters of a select drop without reading them: it asks for the values that the fields which the filters read may have, in JSON by the bytes
 * of their keys, and tries the filters with every one of them. Only where none of them holds, and none fails, the message is dropped: no row comes of it, and reading it would
 * raise no error of a row. Everything else is for those who read the message.
 */
type Drops = (decoded: DecodedMessage) => boolean;

/** The condition, as code, that a message is dropped unread by a select; undefined where its filters depend on more than fields and metadata. */
export function emitDrops({ filters }: Pick<Branch, 'filters'>, emitter: Emitter): string | undefined {
  const conditions = leading(filters.flatMap(conjuncts));
  if (conditions.length === 0) return undefined;
  const pace = emitter.constant(new Pace());
  return `(${pace}.tries() && ${pace}.noted(${emitter.constant(dropsOf(conditions))}(decoded)))`;
}

function dropsOf(conditions: readonly Expression[]): Drops {
  const names: string[] = [];
  const emitter = new Emitter((name) => {
    const known = names.indexOf(name);
    return `f${known === -1 ? names.push(name) - 1 : known}`;
  });
  const searchOf = (name: string) => emitter.constant(JsonFieldSearch.of(name));
  const steps = conditions.map((condition, i) => {
    const holds = emitter.condition(condition);
    const fields = fieldsOf(condition).map((name) => ({ variable: emitter.field(name), search: searchOf(name) }));
    return `{ ${emitTries(holds, fields, i === conditions.length - 1)} }`;
  });
  const body = [
    '"use strict";',
    ...emitter.constants.map((_, i) => `const c${i} = constants[${i}];`),
    'return function drops(decoded) {',
    declarations,
    'let maybe;',
    emitter.declarations(),
    'try {',
    ...steps,
    '} catch (error) {',
    'if (rowFailure(error, at)) return false;',
    'throw error;',
    '}',
    '};',
  ].join('\n');
  return new Function('constants', 'rowFailure', body)(emitter.constants, rowFailure) as Drops;
}

/**
 * The statements that return whether the message is dropped, as far as one condition says so; the last one always does. Every combination of values is tried, since
 * one that fails may be the true one.
 */
function emitTries(
  holds: string,
  fields: readonly { readonly variable: string; readonly search: string }[],
  isLast: boolean,
): string {
  const candidates = fields.map(({ variable }) => `m${variable}`);
  const combinations = candidates.map((name) => `${name}.count`).join(' * ');
  return [
    ...fields.map(
      ({ search }, i) =>
        `const ${candidates[i]} = decoded.candidates(${search}); if (${candidates[i]} === undefined) return false;`,
    ),
    ...(fields.length === 0 ? [] : [`if (${combinations} > ${combinationsMax}) return false;`]),
    ...(isLast ? [] : ['maybe = false;']),
    ...fields.map(
      ({ variable }) =>
        `for (let i${variable} = 0; i${variable} < m${variable}.count; i${variable}++) { const ${variable} = m${variable}.values[i${variable}];`,
    ),
    isLast ? `if (${holds}) return false;` : `if (${holds}) maybe = true;`,
    ...fields.map(() => '}'),
    isLast ? 'return true;' : 'if (!maybe) return true;',
  ].join('\n');
}

/** Says whether looking at messages before they are read is worth it now. */
class Pace {
  #tries = 0;
  #drops = 0;
  #rest = 0;
  #nextRest: number = messagesPerRest.least;

  /** Whether to try the next message. */
  tries(): boolean {
    if (this.#rest === 0) return true;
    this.#rest--;
    return false;
  }

  /** Takes what a try came to, and gives it back. */
  noted(isDropped: boolean): boolean {
    if (isDropped) this.#drops++;
    if (++this.#tries === triesPerRound) {
      if (this.#drops < triesPerRound * dropShareMin) {
        this.#rest = this.#nextRest;
        this.#nextRest = Math.min(2 * this.#rest, messagesPerRest.most);
      } else this.#nextRest = messagesPerRest.least;
      this.#tries = 0;
      this.#drops = 0;
    }
    return isDropped;
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
