import { columnTypes, fixedColumnsOf, metadataColumns, metadataPrefix } from '@laminar/definitions';
import { parameterName } from '../bind/overload.js';
import { queryBytesMax } from '../bind/parse.js';
import { commentsMax, listMax } from '../bind/parser-limits.js';
import type { Overload, SqlFunction } from '../functions/definition.js';
import { functionSections } from '../functions/index.js';
import { refusedFunctions } from '../functions/refused.js';
import { rowFunctions } from '../functions/rows.js';
import { rowBytesMax, rowsMax } from '../rows.js';
import { queryRegexWeightMax, regexWeightMax } from '../values/regex.js';
import { valueSizeMax } from '../values/size.js';
import { metadataNotes } from './columns.js';
import { typeConversions } from './conversions.js';
import { differences } from './differences.js';
import { keptNotes } from './kept-bytes.js';
import { literalNotes, nameNotes } from './lexis.js';
import { code, page, table } from './markdown.js';
import { numberTemplateNotes } from './number-templates.js';
import { operatorNotes } from './operators.js';
import { statementsPage } from './statements.js';
import { typeNotes } from './types.js';

/** The pages of the reference of SQL, by path under `docs/reference`, from the tables that the grammar and the binder use. */
export const sqlReference = (): { readonly [page: string]: string } => ({
  'sql.md': expressionsPage(),
  'statements.md': statementsPage(),
});

function expressionsPage(): string {
  return page(
    'SQL: names, types, operators, functions',
    'The dialect is PostgreSQL’s (https://www.postgresql.org/docs/18/), of which a pipeline has what works on one message at a time. What is not said here is as it is there.',
    '## Names',
    ...nameNotes.map(
      ({ rule, example: [query, payload, row] }) => `- ${rule} ${code(query)} makes ${code(row)} of ${code(payload)}.`,
    ),
    '## Literals',
    table(
      ['literal', 'written', 'example', 'gives'],
      literalNotes.map(({ what, rule, example }) => [what, rule, ...example.map(code)]),
    ),
    '## Types',
    table(
      ['type', 'values', 'in a message'],
      [...columnTypes, 'INTERVAL' as const].map((type) => [code(type), ...typeNotes[type]]),
    ),
    '`TYPE[]` is an array of any of these but INTERVAL, with one dimension; it goes out as a JSON array. A field of a connection that is read without a table is JSON.',
    '### Conversions',
    table(
      ['from', 'by itself, where it is wanted', 'by a cast'],
      typeConversions.map(({ type, byItself, byCast }) => [
        code(type),
        byItself.map(code).join(', '),
        byCast.map(code).join(', '),
      ]),
    ),
    'A cast is `CAST(x AS type)` or `x::type`. Any value can be cast to TEXT and to JSON, a TEXT to any type whose text it is, and JSON to the scalar that it holds; JSON beside a typed value converts by itself. A literal in quotes takes the type that is wanted.',
    '## Columns of a message',
    "A connection of `format = 'json'` or `'protobuf'` has every top-level field as a column of type JSON, `payload` as the whole message, and the metadata columns. A table has the columns that it declares. Other messages have these:",
    ...fixedTables(),
    '### Metadata columns',
    `Of every connection; a table declares those that it wants, with \`include_metadata = true\`. No other column has a name that begins with \`${metadataPrefix}\`, in whatever case: a field of the payload that has one is \`payload->'${metadataPrefix}...'\`.`,
    table(
      ['column', 'type', 'holds'],
      Object.entries(metadataColumns).map(([name, type]) => [code(name), code(type), metadataNotes[name] ?? '']),
    ),
    '### Values that go out as they came',
    'JSON that a query does not change is not written anew: it keeps every byte that it has in the message, in digits, duplicate keys, escapes and white space (a row of a live query has spaces for its line ends). That holds, also through CTEs and subqueries, where messages are JSON, for the `value` of an entry of a KV bucket that is JSON, and for the `metadata` of an object:',
    table(
      ['what', 'query', 'message', 'row'],
      keptNotes.map(({ what, example }) => [what, ...example.map(code)]),
    ),
    'All else is written from its value: what an expression computes, to_jsonb and the elements of a list that is computed among it, the values that jsonb_each gives, and `_nats_headers`, which have no bytes of their own since they are put together of the headers. So is a part of a message of another format, and of a message that is an object with more than 256 members, or with an escape in one of its own keys.',
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
    '### Templates of numbers',
    'What to_char writes a number by. A pattern is written in capital letters or in small ones; letters that are none are written as they are, and anything is within double quotes. A number that has more digits before the point than the template has places is written as `#`; a DOUBLE PRECISION has 15 digits, a REAL 6.',
    table(
      ['pattern', 'writes', 'example', 'gives'],
      numberTemplateNotes.map(({ patterns, writes, example }) => [
        patterns.map(code).join(' '),
        writes,
        ...example.map(code),
      ]),
    ),
    '### Functions in FROM',
    `These give rows, and stand beside what is read: \`FROM orders o, unnest(o.tags) AS tag\`, \`CROSS JOIN LATERAL\`, or \`LEFT JOIN ... ON\` where a message without elements is a row too. Several of them give the product, in order; \`WITH ORDINALITY\` numbers the rows, \`ROWS FROM (...)\` puts functions side by side. An alias is the value itself where there is one. A subquery behind \`LATERAL\` sees what stands before it, and has such functions in its FROM, or none: \`FROM orders o, LATERAL (SELECT i->>'sku' AS sku FROM unnest(o.items) AS i WHERE i ? 'sku') AS item\`, \`LATERAL (SELECT o.price * o.n AS total) AS t\`. A message is taken apart into ${rowsMax} rows at most.`,
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
    '## Limits',
    `A query has ${queryBytesMax} bytes at most, ${listMax} values in a list behind IN (an array behind \`= ANY\` may have more), and ${commentsMax} comments between \`/*\` and \`*/\`. A regular expression comes to at most ${regexWeightMax} characters when its bounds are written out, where what stands for any letter counts as several; all that a query writes to ${queryRegexWeightMax}. What an expression builds - a text, a BYTEA, an array, JSON - has ${valueSizeMax} characters, bytes or elements at most, or as many as the message has bytes where that is more; \`repeat\`, \`replace\`, \`concat\` and others that could build much more at once have no more than the former. A row has ${rowBytesMax} bytes. Beyond that a row fails with \`too_large\`, and goes the way of \`on_error\`.`,
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
  );
}

function fixedTables(): string[] {
  return [fixedColumnsOf('raw', undefined), fixedColumnsOf('json', 'kv'), fixedColumnsOf('raw', 'object')].flatMap(
    (fixed) =>
      fixed === undefined
        ? []
        : [
            `${fixed.what.charAt(0).toUpperCase()}${fixed.what.slice(1)}: ${Object.entries(fixed.columns)
              .map(([name, type]) => code(`${name} ${type}`))
              .join(', ')}.`,
          ],
  );
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
