import { columnTypes } from '@laminar/definitions';
import { parameterName } from '../bind/overload.js';
import type { Overload, SqlFunction } from '../functions/definition.js';
import { functionSections } from '../functions/index.js';
import { refusedFunctions } from '../functions/refused.js';
import { differences } from './differences.js';
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
    '### Functions that are refused',
    table(
      ['function', 'instead'],
      Object.entries(refusedFunctions).map(([name, instead]) => [code(name), instead]),
    ),
    'What may be wrong with a query or a row, by its code, stands on the page of [errors](errors.md).',
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

function signature(name: string, { parameters, optional, variadic, returns }: Overload): string {
  const required = parameters.length - optional;
  const names = parameters.map((parameter) => parameterName(parameter) ?? 'number');
  const must = names.slice(0, required).join(', ');
  const may = names.slice(required).map((text) => `[, ${text}]`);
  const list = `${must}${must === '' ? may.join('').replace('[, ', '[') : may.join('')}${variadic ? ', ...' : ''}`;
  return `${name}(${list}) → ${parameterName(returns) ?? 'number'}`;
}

/** Code within a cell of a table. */
const code = (text: string): string => {
  const escaped = text.replaceAll('|', '\\|');
  return escaped.includes('`') ? `\`\` ${escaped} \`\`` : `\`${escaped}\``;
};

const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
