import type { Pick } from './rule.js';

/** A query that makes many rows of one, for this dialect and for PostgreSQL, which has to be told the order. */
export interface GeneratedRows {
  readonly own: string;
  /** Gives one column `x`: for each row an array of its values, each as type, text and JSON. */
  readonly theirs: string;
  readonly columns: readonly RowColumn[];
}

export interface RowColumn {
  readonly name: string;
  /** `compact` is the text of JSON, which has no spaces here: it is shown, and nothing is made of it. */
  readonly kind: 'text' | 'integer' | 'json' | 'compact';
}

/** A SELECT as far as it goes: what its FROM gives, and the ordinals by which PostgreSQL orders. */
interface Made {
  readonly own: string;
  readonly theirs: string;
  readonly columns: readonly RowColumn[];
  readonly ordinals: readonly string[];
}

/** A function over columns of one kind: its arguments, `{}` being such a column, and the kinds of what it gives. */
interface Call {
  readonly over: RowColumn['kind'];
  readonly text: string;
  readonly gives: readonly RowColumn['kind'][];
}

const small = (text: string) => `least(greatest(${text}, -3), 3)`;
/** Most values are of the wrong kind for most functions, which would all end in errors. */
const only = (kind: string) =>
  `CASE WHEN jsonb_typeof({}) = '${kind}' THEN {} ELSE '${kind === 'array' ? '[3]' : '{"k":4}'}'::jsonb END`;
const calls: readonly Call[] = [
  { over: 'json', text: 'jsonb_array_elements({})', gives: ['json'] },
  { over: 'json', text: `jsonb_array_elements(${only('array')})`, gives: ['json'] },
  { over: 'json', text: `jsonb_array_elements_text(${only('array')})`, gives: ['compact'] },
  { over: 'json', text: `jsonb_each(${only('object')})`, gives: ['text', 'json'] },
  { over: 'json', text: `jsonb_each_text(${only('object')})`, gives: ['text', 'compact'] },
  { over: 'json', text: 'jsonb_object_keys({})', gives: ['text'] },
  { over: 'text', text: "string_to_table({}, ',')", gives: ['text'] },
  { over: 'text', text: "string_to_table({}, r.u, 'b')", gives: ['text'] },
  { over: 'text', text: "regexp_split_to_table({}, 'l|o')", gives: ['text'] },
  { over: 'text', text: "unnest(ARRAY[{}, r.t, 'c'])", gives: ['text'] },
  { over: 'integer', text: `generate_series(${small('{}')}, ${small('r.k')})`, gives: ['integer'] },
  { over: 'integer', text: `generate_series(${small('{}')}, 2, ${small('r.i')})`, gives: ['integer'] },
  { over: 'integer', text: 'unnest(r.ta, ARRAY[{}, 7])', gives: ['text', 'integer'] },
  { over: 'integer', text: 'unnest(r.ia)', gives: ['integer'] },
  { over: 'text', text: 'unnest(r.ta)', gives: ['text'] },
];

const conditions = {
  text: ["{} <> 'a'", '{} IS NOT NULL', '{} IS NULL OR r.b', "{} LIKE '%o%'", 'length({}) > 1'],
  integer: ['{} > 0', '{} % 2 = 1', '{} IS NULL', `${small('r.i')} + ${small('{}')} < 2`],
  json: ["jsonb_typeof({}) = 'array'", 'r.b', "{} @> '{}'"],
} as const;

const message: readonly RowColumn[] = [
  { name: 't', kind: 'text' },
  { name: 'u', kind: 'text' },
  { name: 'i', kind: 'integer' },
  { name: 'k', kind: 'integer' },
  { name: 'j', kind: 'json' },
];
/** What functions and conditions read of the message, handed on by every level. */
const handedOn = ['t', 'u', 'i', 'k', 'j', 'b', 'ta', 'ia'];

const functionsMax = 3;
const branchesMax = 3;

/** `row` is the number of the row that PostgreSQL reads. */
export function generateRows(pick: Pick, row: number): GeneratedRows {
  const branches = Array.from({ length: 1 + pick(branchesMax) }, (_, i) => branch(pick, row, i));
  const [first] = branches;
  if (!first) throw new Error('there is no branch');
  const kinds = first.columns.map(({ kind }) => kind);
  const alike = branches.filter(
    ({ columns }) => columns.length === kinds.length && columns.every(({ kind }, i) => kind === kinds[i]),
  );
  return {
    own: alike.map(({ own }) => own).join(' UNION ALL '),
    theirs: `SELECT x FROM (${alike.map(({ theirs }) => theirs).join(' UNION ALL ')}) AS q ORDER BY o`,
    columns: first.columns,
  };
}

function branch(pick: Pick, row: number, index: number): Omit<Made, 'ordinals'> {
  const table: Made = {
    own: 'rows',
    theirs: `(SELECT * FROM rows WHERE number = ${row})`,
    columns: [],
    ordinals: [],
  };
  const base = pick(3) === 0 ? subquery(level(pick, table, 'a')) : table;
  const { own, theirs, columns, ordinals } = level(pick, base, 'b');
  const shown = columns.slice(-2);
  const list = shown.map(({ name }) => name);
  const values = shown.map(({ name, kind }) => {
    const value = kind === 'json' ? `nullif(${name}, 'null'::jsonb)` : name;
    return `jsonb_build_array(pg_typeof(${value})::text, ${value}::text, to_json(${value})::text)`;
  });
  return {
    own: `SELECT ${list.length === 0 ? 'r.i' : list.join(', ')} FROM ${own}`,
    theirs: `SELECT ARRAY[${[index, ...ordinals].join(', ')}]::bigint[] AS o, jsonb_build_array(${values.join(', ')}) AS x FROM ${theirs}`,
    columns: shown,
  };
}

const subquery = (made: Made): Made => ({
  ...made,
  own: `(${selectAll(made, made.own)})`,
  theirs: `(${selectAll(made, made.theirs, made.ordinals)})`,
});

const selectAll = ({ columns }: Made, from: string, ordinals: readonly string[] = []): string =>
  `SELECT ${[...handedOn.map((name) => `r.${name}`), ...columns.map(({ name }) => name), ...ordinals].join(', ')} FROM ${from}`;

/** One SELECT's FROM and WHERE over another. */
function level(pick: Pick, base: Made, prefix: string): Made {
  let own = `${base.own} AS r`;
  let theirs = `${base.theirs} AS r`;
  const columns = base.columns.map(({ name, kind }) => ({ name, kind }));
  const ordinals = [...base.ordinals];
  const count = 1 + pick(functionsMax);
  for (let f = 0; f < count; f++) {
    const call = calls[pick(calls.length)] as Call;
    const called = filled(call.text, call.over, columns, pick);
    const alias = `${prefix}${f}`;
    const given = call.gives.map((kind, i) => ({ name: `${alias}${'xy'[i]}`, kind }));
    columns.push(...given);
    const ordinal = `${alias}o`;
    const names = given.map(({ name }) => name).join(', ');
    const inner = pick(3) === 0 ? lateral(pick, call, called, alias, columns.slice(0, -given.length)) : undefined;
    const form = pick(4);
    const [join, on] =
      form === 0
        ? [', LATERAL', '']
        : form === 1
          ? [' CROSS JOIN LATERAL', '']
          : [form === 2 ? ' JOIN LATERAL' : ' LEFT JOIN', ` ON ${pick(3) > 0 ? 'true' : condition(pick, columns)}`];
    const word = inner && form === 3 ? ' LATERAL' : '';
    own += `${join}${word} ${inner?.own ?? called} AS ${alias}(${names})${on}`;
    theirs += `${join === ', LATERAL' ? ' CROSS JOIN LATERAL' : join}${word} ${inner?.theirs ?? `${called} WITH ORDINALITY`} AS ${alias}(${names}, ${ordinal})${on}`;
    ordinals.push(ordinal);
  }
  const where = Array.from({ length: pick(2) }, () => `(${condition(pick, columns)})`).join(' AND ');
  const filter = where === '' ? '' : ` WHERE ${where}`;
  return { own: own + filter, theirs: theirs + filter, columns, ordinals };
}

/** What is computed of a column in the select list of a subquery; some of it is no NULL where the column is. */
const computed = {
  text: ['{}', "coalesce({}, 'none')", "{} || 'x'"],
  integer: ['{}', 'coalesce({}, 7)', '{} + 1', 'coalesce(r.i, 1) % 2'],
  json: ['{}'],
  compact: ['{}'],
} as const;

/** A subquery behind LATERAL: a function with a condition and expressions over it, or expressions alone. */
function lateral(
  pick: Pick,
  { gives }: Call,
  called: string,
  alias: string,
  before: readonly RowColumn[],
): { readonly own: string; readonly theirs: string } {
  const within = gives.map((kind, i) => ({ name: `${alias}${'pq'[i]}`, kind }));
  const hasFunction = pick(4) > 0;
  const columns = hasFunction ? [...before, ...within] : before;
  const where = pick(2) === 0 ? '' : ` WHERE ${condition(pick, columns)}`;
  const list = within.map(({ name, kind }) => {
    const texts: readonly string[] = computed[kind];
    const text = texts[pick(texts.length)] ?? '{}';
    if (hasFunction) return text.replaceAll('{}', name);
    return filled(text, kind, kind === 'compact' ? [{ name: 'NULL::text', kind }] : before, pick);
  });
  if (!hasFunction) return { own: `(SELECT ${named(list)}${where})`, theirs: `(SELECT ${list.join(', ')}, 1${where})` };
  const names = within.map(({ name }) => name).join(', ');
  return {
    own: `(SELECT ${named(list)} FROM ${called} AS w(${names})${where})`,
    theirs: `(SELECT ${list.join(', ')}, o FROM ${called} WITH ORDINALITY AS w(${names}, o)${where})`,
  };
}

const named = (list: readonly string[]): string => list.map((text, i) => `${text} AS l${i}`).join(', ');

function filled(text: string, kind: RowColumn['kind'], columns: readonly RowColumn[], pick: Pick): string {
  const fitting = [...message.map((column) => ({ ...column, name: `r.${column.name}` })), ...columns].filter(
    (column) => column.kind === kind,
  );
  const { name } = fitting[pick(fitting.length)] ?? { name: 'NULL' };
  return text.replace(/\{\}(?!')/g, name);
}

function condition(pick: Pick, columns: readonly RowColumn[]): string {
  const kinds = ['text', 'integer', 'json'] as const;
  const kind = kinds[pick(kinds.length)] ?? 'text';
  const texts: readonly string[] = conditions[kind];
  return filled(texts[pick(texts.length)] ?? 'true', kind, columns, pick);
}
