import * as members from '../values/members.js';
import { checkStep, decimalSeries, series, timestampSeries } from '../values/series.js';
import { arrayFunctions } from './array.js';
import { define, type Overload, type SqlFunction, takes } from './definition.js';
import { patternFunctions } from './pattern.js';

/** A function that stands in FROM and gives rows, as the binder and the reference see it. */
export interface RowFunction {
  readonly name: string;
  readonly summary: string;
  /** A call in FROM, and the JSON text of the rows that it gives, a list of values each. */
  readonly example: readonly [from: string, gives: string];
  readonly columns: readonly RowColumn[];
}

interface RowColumn {
  /** Undefined where it is called as the alias is, or else the function. */
  readonly name: string | undefined;
  /** What gives the column's values, as an array. */
  readonly list: SqlFunction;
}

type RowFunctionColumns = readonly { readonly name?: string; readonly overloads: readonly Overload[] }[];

function rowFunction(
  name: string,
  summary: string,
  example: RowFunction['example'],
  columns: RowFunctionColumns,
  check?: SqlFunction['check'],
): RowFunction {
  return {
    name,
    summary,
    example,
    columns: columns.map((column) => ({
      name: column.name,
      list: define(name, summary, [`FROM orders, ${example[0]}`, example[1]], column.overloads, { check }),
    })),
  };
}

/** The rows that a function which gives an array has as elements. */
function elementsOf(
  name: string,
  summary: string,
  example: RowFunction['example'],
  section: readonly SqlFunction[],
  array: string,
): RowFunction {
  const giving = section.find((definition) => definition.name === array);
  if (!giving) throw new Error(`there is no function ${array}`);
  return rowFunction(name, summary, example, [{ overloads: giving.overloads }], giving.check);
}

/** The functions in FROM (https://www.postgresql.org/docs/18/functions-srf.html, functions-json.html, functions-array.html). */
export const rowFunctions: readonly RowFunction[] = [
  rowFunction(
    'unnest',
    'The elements of an array; of several arrays side by side, the shorter ones going on with NULL.',
    ["unnest(ARRAY['a', 'b'], ARRAY[1, 2]) AS x(name, n)", '[["a",1],["b",2]]'],
    [{ overloads: [takes(['ANY_ARRAY'], 'ANY_ARRAY', members.itself)] }],
  ),
  ...['jsonb', 'json'].flatMap((prefix) => {
    const keys = prefix === 'jsonb' ? members.sortedKeys : members.keys;
    const order = prefix === 'jsonb' ? 'the shorter ones first' : 'in the order in which they came';
    const key = { name: 'key', overloads: [takes(['JSON'], 'TEXT[]', keys)] };
    return [
      rowFunction(
        `${prefix}_array_elements`,
        'The elements of an array of JSON.',
        [`${prefix}_array_elements('[1,"a"]') AS item`, '[[1],["a"]]'],
        [{ name: 'value', overloads: [takes(['JSON'], 'JSON[]', members.elements)] }],
      ),
      rowFunction(
        `${prefix}_array_elements_text`,
        'The same as texts.',
        [`${prefix}_array_elements_text('[1,"a"]') AS item`, '[["1"],["a"]]'],
        [{ name: 'value', overloads: [takes(['JSON'], 'TEXT[]', members.elementTexts)] }],
      ),
      rowFunction(
        `${prefix}_each`,
        `The members of an object, ${order}.`,
        [`${prefix}_each('{"a":1,"b":"x"}') AS member`, '[["a",1],["b","x"]]'],
        [key, { name: 'value', overloads: [takes(['JSON'], 'JSON[]', members.valuesBy(keys))] }],
      ),
      rowFunction(
        `${prefix}_each_text`,
        'The same with the values as texts.',
        [`${prefix}_each_text('{"a":1,"b":"x"}') AS member`, '[["a","1"],["b","x"]]'],
        [key, { name: 'value', overloads: [takes(['JSON'], 'TEXT[]', members.textsBy(keys))] }],
      ),
      rowFunction(
        `${prefix}_object_keys`,
        `The keys of an object, ${order}.`,
        [`${prefix}_object_keys('{"a":1,"b":2}') AS name`, '[["a"],["b"]]'],
        [{ overloads: key.overloads }],
      ),
    ];
  }),
  rowFunction(
    'generate_series',
    'Numbers from the first to the second, by the third or by 1; times by an interval.',
    ['generate_series(1, 5, 2) AS n', '[[1],[3],[5]]'],
    [
      {
        overloads: [
          takes(['INTEGER', 'INTEGER', 'INTEGER'], 'INTEGER[]', series, { optional: 1 }),
          takes(['BIGINT', 'BIGINT', 'BIGINT'], 'BIGINT[]', series, { optional: 1 }),
          takes(['NUMERIC', 'NUMERIC', 'NUMERIC'], 'NUMERIC[]', decimalSeries, { optional: 1 }),
          takes(['TIMESTAMP', 'TIMESTAMP', 'INTERVAL'], 'TIMESTAMP[]', timestampSeries),
        ],
      },
    ],
    (_start, _stop, step) => void (step !== undefined && checkStep(step as Parameters<typeof checkStep>[0])),
  ),
  elementsOf(
    'string_to_table',
    'The parts of a text that a delimiter divides, each character where it is NULL; what equals the third argument is NULL.',
    ["string_to_table('a,b', ',') AS part", '[["a"],["b"]]'],
    arrayFunctions.functions,
    'string_to_array',
  ),
  elementsOf(
    'regexp_split_to_table',
    'The parts of the text that a regular expression divides.',
    ["regexp_split_to_table('hello world', '\\s+') AS word", '[["hello"],["world"]]'],
    patternFunctions.functions,
    'regexp_split_to_array',
  ),
];

export const rowFunctionsByName: ReadonlyMap<string, RowFunction> = new Map(
  rowFunctions.map((definition) => [definition.name, definition]),
);
