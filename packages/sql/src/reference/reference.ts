import { columnTypes } from '@laminar/definitions';
import { parameterName } from '../bind/overload.js';
import type { Overload, SqlFunction } from '../functions/definition.js';
import { functionSections } from '../functions/index.js';
import { refusedFunctions } from '../functions/refused.js';
import { rowFunctions } from '../functions/rows.js';
import { rowsMax } from '../rows.js';
import { differences } from './differences.js';
import { errorNotes, rowErrorNotes } from './errors.js';
import { operatorNotes } from './operators.js';
import { typeNotes } from './types.js';

/** `docs/reference/sql.md`: types, operators, functions and errors of the dialect, from the tables that the binder uses. */
export function sqlReference(): string {
  return [
    '# SQL: types, operators, functions, errors',
    'This page is generated from the tables that bind queries. The dialect is PostgreSQL’s (https://www.postgresql.org/docs/18/), of which a pipeline has what works on one message at a time. What is not said here is as it is there.',
    '## Types',
    table(
      ['type', 'values', 'in a message'],
      [...columnTypes, 'INTERVAL' as const].map((type) => [code(type), ...typeNotes[type]]),
    ),
    '`TYPE[]` is an array of any of these but INTERVAL, with one dimension; it goes out as a JSON array. A field of a connection that is read without a table is JSON.',
    '## Operators',
    ...operatorNotes.flatMap(([title, notes]) => [
      `### ${title}`,
      table(
        ['operator', 'meaning', 'example', 'gives'],
        notes.map(({ operator, summary, example }) => [code(operator), summary, ...example.map(code)]),
      ),
    ]),
    '## Functions',
    'A function whose argument is NULL gives NULL, unless its description says otherwise. Where a number is wanted, an untyped number of JSON is one.',
    ...functionSections.flatMap(({ title, functions }) => [
      `### ${title}: functions`,
      table(['function', 'meaning', 'example', 'gives'], functions.map(functionRow)),
    ]),
    '### Functions in FROM',
    `These give rows, and stand beside what is read: \`FROM orders o, unnest(o.tags) AS tag\`, \`CROSS JOIN LATERAL\`, or \`LEFT JOIN ... ON\` where a message without elements is a row too. Several of them give the product, in order; \`WITH ORDINALITY\` numbers the rows, \`ROWS FROM (...)\` puts functions side by side. An alias is the value itself where there is one. A message is taken apart into ${rowsMax} rows at most.`,
    table(
      ['function', 'meaning', 'columns', 'example', 'gives'],
      rowFunctions.map(({ name, summary, columns, example }) => [
        [...new Set(columns.flatMap(({ list }) => list.overloads.map((overload) => rowSignature(name, overload))))]
          .map(code)
          .join('<br>'),
        summary,
        columns.map(({ name: column }) => (column === undefined ? 'the alias' : code(column))).join(', '),
        ...example.map(code),
      ]),
    ),
    '### Functions that are refused',
    table(
      ['function', 'instead'],
      Object.entries(refusedFunctions).map(([name, instead]) => [code(name), instead]),
    ),
    '## Errors of a query',
    'An error says its code, its position with a caret, and mostly a hint.',
    table(
      ['code', 'means'],
      Object.entries(errorNotes).map(([name, means]) => [code(name), means]),
    ),
    '## Errors of a row',
    'These go the way of the pipeline’s `on_error`. They never hold the value itself.',
    table(
      ['code', 'means'],
      Object.entries(rowErrorNotes).map(([name, means]) => [code(name), means]),
    ),
    '## What differs from PostgreSQL',
    table(
      ['here', 'because', 'example', 'gives'],
      differences.map(({ what, why, example: [expression, gives] }) => [
        what,
        why,
        code(expression),
        gives === undefined ? 'an error' : code(gives),
      ]),
    ),
    '',
  ]
    .join('\n\n')
    .trimEnd()
    .concat('\n');
}

function functionRow({ name, overloads, summary, example, own }: SqlFunction): string[] {
  const signatures = [...new Set(overloads.map((overload) => signature(name, overload)))];
  const shown = signatures.length === 0 ? [`${name}(...)`] : signatures;
  return [shown.map(code).join('<br>'), own ? `${summary} Of this dialect alone.` : summary, ...example.map(code)];
}

const signature = (name: string, overload: Overload): string =>
  `${rowSignature(name, overload)} → ${parameterName(overload.returns) ?? 'number'}`;

function rowSignature(name: string, { parameters, optional, variadic }: Overload): string {
  const required = parameters.length - optional;
  const names = parameters.map((parameter) => parameterName(parameter) ?? 'number');
  const must = names.slice(0, required).join(', ');
  const may = names.slice(required).map((text) => `[, ${text}]`);
  const list = `${must}${must === '' ? may.join('').replace('[, ', '[') : may.join('')}${variadic ? ', ...' : ''}`;
  return `${name}(${list})`;
}

/** Code within a cell of a table. */
const code = (text: string): string => {
  const escaped = text.replaceAll('|', '\\|');
  return escaped.includes('`') ? `\`\` ${escaped} \`\`` : `\`${escaped}\``;
};

const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
