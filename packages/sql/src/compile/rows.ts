import type { Branch, Expansion } from '../bind/plan.js';
import { RowCollector } from '../rows.js';
import type { Emitter } from './emit.js';
import type { FieldReads } from './field-reads.js';

/**
 * The statements that return a message's rows; `emitOutput` writes the rows of one branch as an expression. Where a message gives one row at most, nothing
 * is collected; else loops within loops put the rows into a `RowCollector`.
 */
export function emitBranches(
  branches: readonly Branch[],
  emitter: Emitter,
  fields: FieldReads,
  emitOutput: (branch: Branch) => string,
): string {
  const [only, second] = branches;
  if (only && !second && only.expansions.length === 0) {
    const filters = only.filters.map((filter) => `if (!${emitter.condition(filter)}) return none;`);
    const filterFields = fields.declarations(emitter);
    const output = emitOutput(only);
    return [filterFields, ...filters, fields.declarations(emitter), `return ${output};`].join('\n');
  }
  const rows = emitter.variable();
  const loops = branches.map((branch) => {
    const add = () => `${rows}.add(${emitOutput(branch)});`;
    const filters = branch.filters.map((filter) => emitter.condition(filter));
    const body = emitExpansions(branch.expansions, rows, emitter, add);
    return filters.length === 0 ? body : `if (${filters.join(' && ')}) {\n${body}\n}`;
  });
  return [
    fields.declarations(emitter),
    `${rows} = new ${emitter.constant(RowCollector)}();`,
    ...loops,
    `return ${rows}.rows;`,
  ].join('\n');
}

/** The loops of the expansions, one within the other, around what is done with a row. */
function emitExpansions(
  [expansion, ...inner]: readonly Expansion[],
  rows: string,
  emitter: Emitter,
  emitRow: () => string,
): string {
  if (!expansion) return emitRow();
  const { lists, ordinality, outer, on, filters } = expansion;
  const named = lists.map(({ list, slot }) => ({ array: emitter.variable(), value: emitter.slot(slot), list }));
  const [count, place, matched] = [emitter.variable(), emitter.variable(), emitter.variable()];
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
  const body = [
    ...filters.map((filter) => `if (!${emitter.condition(filter)}) continue;`),
    emitExpansions(inner, rows, emitter, emitRow),
  ];
  return [
    ...named.map(({ array, list }) => `${array} = ${emitter.value(list)};`),
    `${count} = ${rows}.longest(${named.map(({ array }) => array).join(', ')});`,
    ...(outer
      ? [
          `${matched} = false;`,
          `for (${place} = 0; ${place} <= ${count}; ${place}++) {`,
          `if (${place} < ${count}) {`,
          ...step,
          `${matched} = true;`,
          `} else if (${matched}) break; else {`,
          ...nothing,
          '}',
        ]
      : [`for (${place} = 0; ${place} < ${count}; ${place}++) {`, ...step]),
    ...body,
    '}',
  ].join('\n');
}
