import { listPaths } from '../bind/message-path.js';
import type { Branch, Expansion } from '../bind/plan.js';
import { RowCollector } from '../rows.js';
import { ElementPlaces } from './element-places.js';
import type { Emitter } from './emit.js';
import type { FieldReads } from './field-reads.js';
import { ValueTexts } from './value-texts.js';

/**
 * The statements that return a message's rows; `emitOutput` writes the rows of one branch as an expression. Where a message gives one row at most, nothing
 * is collected; else loops within loops put the rows into a `RowCollector`. A query that awaits calls goes on to the next row where one lacks a result, so that
 * all that are missing are known at once.
 */
export function emitBranches(
  branches: readonly Branch[],
  emitter: Emitter,
  fields: FieldReads,
  awaits: boolean,
  emitOutput: (branch: Branch, texts: ValueTexts) => string,
): string {
  const textsOf = ({ expansions }: Branch) =>
    new ValueTexts(emitter, fields, new ElementPlaces(listPaths(expansions), emitter, fields));
  const [only, second] = branches;
  if (only && !second && only.expansions.length === 0) {
    const filters = only.filters.map((filter) => `if (!${emitter.condition(filter)}) return none;`);
    const filterFields = fields.declarations(emitter);
    const output = emitOutput(only, textsOf(only));
    const result = awaits
      ? ['let rows = none;', goingOn(`rows = ${output};`, awaits), 'results.end();', 'return rows;']
      : [`return ${output};`];
    return [filterFields, ...filters, fields.declarations(emitter), ...result].join('\n');
  }
  const rows = emitter.variable();
  const loops = branches.map((branch) => {
    const texts = textsOf(branch);
    const add = () => `${rows}.add(${emitOutput(branch, texts)});`;
    const filters = branch.filters.map((filter) => emitter.condition(filter));
    const body = emitExpansions(branch.expansions, rows, texts.places, awaits, add);
    return goingOn(filters.length === 0 ? body : `if (${filters.join(' && ')}) {\n${body}\n}`, awaits);
  });
  return [
    fields.declarations(emitter),
    `${rows} = new ${emitter.constant(RowCollector)}();`,
    ...loops,
    ...(awaits ? ['results.end();'] : []),
    `return ${rows}.rows;`,
  ].join('\n');
}

/** The loops of the expansions, one within the other, around what is done with a row. */
function emitExpansions(
  [expansion, ...inner]: readonly Expansion[],
  rows: string,
  places: ElementPlaces,
  awaits: boolean,
  emitRow: () => string,
): string {
  if (!expansion) return emitRow();
  const { emitter } = places;
  const { lists, ordinality, outer, on, filters } = expansion;
  const named = lists.map(({ list, slot }) => ({ array: emitter.variable(), value: emitter.slot(slot), list }));
  const [count, place, matched] = [emitter.variable(), emitter.variable(), emitter.variable()];
  for (const { slot } of lists) places.enter(slot, place);
  const step = [
    ...named.map(
      ({ array, value }) => `${value} = ${named.length > 1 ? `${array} == null ? null : ` : ''}${array}[${place}];`,
    ),
    ...(ordinality ? [`${emitter.slot(ordinality)} = ${place} + 1;`] : []),
    ...on.map((condition) => `if (!${emitter.condition(condition)}) continue;`),
  ];
  const nothing = [
    ...named.map(({ value }) => `${value} = null;`),
    ...(ordinality ? [`${emitter.slot(ordinality)} = null;`] : []),
  ];
  const matching = [
    `if (${place} < ${count}) {`,
    ...step,
    `${matched} = true;`,
    `} else if (${matched}) break; else {`,
    ...nothing,
    '}',
  ];
  const body = [
    ...filters.map((filter) => `if (!${emitter.condition(filter)}) continue;`),
    emitExpansions(inner, rows, places, awaits, emitRow),
  ];
  return [
    ...named.map(({ array, list }) => `${array} = ${emitter.value(list)};`),
    ...places.forget(lists.map(({ slot }) => slot)),
    `${count} = ${rows}.longest(${named.map(({ array }) => array).join(', ')});`,
    ...(outer
      ? [
          `${matched} = false;`,
          `for (${place} = 0; ${place} <= ${count}; ${place}++) {`,
          // Whether an element matches is not known while it lacks a result: the row of none is for later.
          goingOn([...matching, ...body].join('\n'), awaits, `${matched} = true;`),
        ]
      : [`for (${place} = 0; ${place} < ${count}; ${place}++) {`, goingOn([...step, ...body].join('\n'), awaits)]),
    '}',
  ].join('\n');
}

/** What lacks the result of a call does not keep what comes behind it from being looked at. */
const goingOn = (code: string, awaits: boolean, more = ''): string =>
  awaits ? `try {\n${code}\n} catch (error) { results.goOnWithout(error); ${more} }` : code;
