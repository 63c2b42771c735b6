import type { Type } from '../../bind/expression.js';
import { timeOperators } from '../../bind/time-arithmetic.js';
import type { Parameter } from '../../functions/definition.js';
import { functionSections } from '../../functions/index.js';
import { columns, postgresType } from './rows.js';

/** Where the random numbers come from: a number from 0 below the argument. */
export type Pick = (below: number) => number;

/** An expression, and whether its last digits are the platform's. */
export interface Generated {
  readonly sql: string;
  /** The same for PostgreSQL, with literals that its planner cannot compute ahead: what it folds away raises no errors. */
  readonly unfolded: string;
  readonly approximate: boolean;
}

/** One way to make an expression of a type. */
type Rule = (make: (type: Type) => string, pick: Pick) => string;

const fixed: { readonly [type in Type]?: readonly string[] } = {
  TEXT: ["'abc'", "'World'", "'é😀'", "''", "'a'"],
  BOOLEAN: ['true', 'false'],
  SMALLINT: ['5::smallint'],
  INTEGER: ['1', '2', '3', '0', '-1', '7'],
  BIGINT: ['5::bigint', '3000000000'],
  REAL: ['1.5::real'],
  'DOUBLE PRECISION': ['2.5::double precision', "'-0.5'::double precision"],
  NUMERIC: ['1.5', '0.25', '100.00', '-3.333'],
  TIMESTAMP: ["TIMESTAMP '2026-01-31 10:20:30.5'"],
  DATE: ["DATE '2024-02-29'"],
  INTERVAL: [
    "INTERVAL '1 day'",
    "INTERVAL '1 year 2 mons -3 days 04:05:06.7'",
    "INTERVAL '90 minutes'",
    "INTERVAL '-1 month'",
    "INTERVAL '1.5 days'",
  ],
  BYTEA: ["'\\x0102'::bytea"],
  JSON: [`'{"a":1}'::jsonb`, `'[1,2]'::jsonb`],
  'TEXT[]': ["ARRAY['a','b']", '\'{x,"y z",NULL}\'::text[]'],
  'INTEGER[]': ['ARRAY[1,2]', "'{3,NULL}'::int[]"],
};

/** Functions whose arguments are words of their own, which random texts never are. */
const worded: { readonly [name: string]: { readonly at: number; readonly words: readonly string[] } | undefined } = {
  extract: {
    at: 0,
    words:
      'century day decade dow doy epoch hour isodow isoyear microseconds millennium milliseconds minute month quarter second week year'.split(
        ' ',
      ),
  },
  date_part: {
    at: 0,
    words:
      'century day decade dow doy epoch hour isodow isoyear microseconds millennium milliseconds minute month quarter second week year'.split(
        ' ',
      ),
  },
  date_trunc: {
    at: 0,
    words: 'microseconds milliseconds second minute hour day week month quarter year decade century millennium'.split(
      ' ',
    ),
  },
  encode: { at: 1, words: ['hex', 'base64', 'escape'] },
  decode: { at: 1, words: ['hex', 'base64', 'escape'] },
  convert_to: { at: 1, words: ['UTF8'] },
  convert_from: { at: 1, words: ['UTF8'] },
  to_char: {
    at: 1,
    words: [
      'YYYY-MM-DD HH24:MI:SS.US',
      'FMDay, DDth FMMonth YYYY',
      'Dy Mon FMDD HH12:MI AM',
      'IYYY-IW-ID DDD Q CC J W WW RM',
      '"at" Y,YYY BC SSSS MS',
    ],
  },
  format: { at: 0, words: ['%s', '%s-%L', '%1$s %1$s', '%%x', '%5s|%-5s|'] },
  regexp_like: {
    at: 1,
    words: ['o', '^a', '[a-z]+', 'l{2}', '(a|b)c?', '\\\\d+', '\\\\w', '^\\\\s*$', '[[:upper:]]', 'x*'],
  },
  regexp_match: { at: 1, words: ['(l+)(o)?', '[A-Z]', '(a|ab)(c|bcd)?', '\\\\d', 'x*', '^.'] },
  regexp_replace: { at: 1, words: ['l', '[aeiou]', '(.)(.)', '\\\\s+', 'x*', '^'] },
  regexp_count: { at: 1, words: ['l', '[aeiou]', '.', 'b|c'] },
  regexp_split_to_array: { at: 1, words: ['l', ',', '\\\\s*', 'x', ''] },
};

/** Functions that are compared in tests of their own: what they do depends on the clock or is this dialect's. */
const excluded: ReadonlySet<string> = new Set([
  // Its text has a collation of its own there.
  'convert_from',
  'mod',
  'age',
  'now',
  'current_date',
  'position',
  'to_timestamp',
  'to_date',
  'json_object',
  'json_array',
  'json_extract',
  'hash',
  'substring',
  'extract',
  'jsonb_pretty',
  'quote_literal',
]);

/** The logarithm to a base is for NUMERIC alone in PostgreSQL. */
const isOwnOverload = (name: string, parameters: number): boolean => name === 'log' && parameters === 2;

const parameterTypes: readonly Type[] = [
  'TEXT',
  'INTEGER',
  'NUMERIC',
  'BOOLEAN',
  'DATE',
  'TIMESTAMP',
  'DOUBLE PRECISION',
];
const approximateCall = new RegExp(
  `\\b(?:${functionSections.flatMap(({ functions }) => functions.filter((f) => f.approximate).map((f) => f.name)).join('|')})\\(|\\^`,
);

function columnRules(): Map<Type, Rule[]> {
  const rules = new Map<Type, Rule[]>();
  for (const [name, type] of Object.entries(columns)) add(rules, type, () => name, 3);
  for (const [type, literals] of Object.entries(fixed))
    add(rules, type as Type, (_, pick) => `⟦${literals[pick(literals.length)] ?? ''}⟧`);
  return rules;
}

function add(rules: Map<Type, Rule[]>, type: Type, rule: Rule, weight = 1): void {
  const known = rules.get(type) ?? [];
  for (let i = 0; i < weight; i++) known.push(rule);
  rules.set(type, known);
}

function allRules(): Map<Type, Rule[]> {
  const rules = new Map<Type, Rule[]>();
  const one = (type: Type, weight: number, ...texts: string[]) => {
    for (const text of texts)
      add(rules, type, (make) => text.replace(/\{([A-Z[\] ]+)\}/g, (_, inner: string) => make(inner as Type)), weight);
  };
  for (const type of ['SMALLINT', 'INTEGER', 'BIGINT', 'NUMERIC', 'DOUBLE PRECISION', 'REAL'])
    one(
      type as Type,
      2,
      `({${type}} + {${type}})`,
      `({${type}} - {${type}})`,
      `({${type}} * {${type}})`,
      `({${type}} / {${type}})`,
      `(-{${type}})`,
    );
  for (const type of ['SMALLINT', 'INTEGER', 'BIGINT', 'NUMERIC'])
    one(type as Type, 1, `({${type}} % {${type}})`, `mod({${type}}, {${type}})`);
  for (const type of ['INTEGER', 'BIGINT'])
    one(
      type as Type,
      1,
      `({${type}} & {${type}})`,
      `({${type}} | {${type}})`,
      `({${type}} # {${type}})`,
      `(~{${type}})`,
      `({${type}} << {INTEGER})`,
      `({${type}} >> {INTEGER})`,
    );
  one('BIGINT', 1, '({INTEGER} + {BIGINT})', '({BIGINT} * {SMALLINT})');
  one('INTEGER', 1, '({SMALLINT} + {INTEGER})', '({DATE} - {DATE})', 'position({TEXT} in {TEXT})');
  one(
    'NUMERIC',
    1,
    '({INTEGER} + {NUMERIC})',
    '({NUMERIC} / {BIGINT})',
    'round({NUMERIC}, 2)',
    'extract(second from {TIMESTAMP})',
    'extract(epoch from {INTERVAL})',
    'extract(day from {DATE})',
    '{NUMERIC}::numeric(12,3)',
  );
  one(
    'DOUBLE PRECISION',
    1,
    '({DOUBLE PRECISION} + {INTEGER})',
    '({REAL} * {DOUBLE PRECISION})',
    '({REAL} - {NUMERIC})',
    '({NUMERIC} / {REAL})',
  );
  one(
    'TEXT',
    3,
    '({TEXT} || {TEXT})',
    '({TEXT} || {INTEGER})',
    '({NUMERIC} || {TEXT})',
    '({TEXT} || {BOOLEAN})',
    'substring({TEXT} from {INTEGER})',
    "substring({TEXT} from 'l+(.)')",
    '({JSON} ->> {TEXT})',
    "({JSON} ->> 'a')",
    "({JSON} #>> '{c,1}')",
    '({TEXT[]})[{INTEGER}]',
    'trim({TEXT})',
    'trim(both {TEXT} from {TEXT})',
  );
  for (const type of [
    'BOOLEAN',
    'INTEGER',
    'BIGINT',
    'SMALLINT',
    'REAL',
    'DOUBLE PRECISION',
    'NUMERIC',
    'TIMESTAMP',
    'DATE',
    'INTERVAL',
    'BYTEA',
    'TEXT[]',
    'INTEGER[]',
  ])
    one('TEXT', 1, `{${type}}::text`);
  one('BYTEA', 1, 'substring({BYTEA} from {INTEGER} for {INTEGER})');
  const comparable: readonly string[] = [
    'TEXT',
    'BOOLEAN',
    'INTEGER',
    'BIGINT',
    'REAL',
    'DOUBLE PRECISION',
    'NUMERIC',
    'TIMESTAMP',
    'DATE',
    'INTERVAL',
    'BYTEA',
    'TEXT[]',
    'INTEGER[]',
  ];
  for (const type of comparable) {
    for (const operator of ['=', '<>', '<', '<=', '>', '>=']) one('BOOLEAN', 1, `({${type}} ${operator} {${type}})`);
    one(
      'BOOLEAN',
      1,
      `({${type}} IS DISTINCT FROM {${type}})`,
      `({${type}} IS NULL)`,
      `({${type}} BETWEEN {${type}} AND {${type}})`,
      `({${type}} IN ({${type}}, {${type}}))`,
      `({${type}} NOT IN ({${type}}, {${type}}))`,
    );
    one(
      type as Type,
      2,
      `COALESCE({${type}}, {${type}})`,
      `CASE WHEN {BOOLEAN} THEN {${type}} ELSE {${type}} END`,
      `CASE {INTEGER} WHEN {INTEGER} THEN {${type}} END`,
      `NULLIF({${type}}, {${type}})`,
      `GREATEST({${type}}, {${type}})`,
      `LEAST({${type}}, {${type}}, {${type}})`,
    );
  }
  one(
    'BOOLEAN',
    2,
    '({BOOLEAN} AND {BOOLEAN})',
    '({BOOLEAN} OR {BOOLEAN})',
    '(NOT {BOOLEAN})',
    '({BOOLEAN} IS TRUE)',
    '({BOOLEAN} IS NOT FALSE)',
    '({INTEGER} < {NUMERIC})',
    '({DOUBLE PRECISION} = {NUMERIC})',
    '({REAL} > {DOUBLE PRECISION})',
    '({SMALLINT} = {BIGINT})',
    '({DATE} < {TIMESTAMP})',
    '({REAL} = {REAL})',
  );
  one(
    'BOOLEAN',
    1,
    "({TEXT} LIKE '%o%')",
    "({TEXT} LIKE {TEXT} || '%')",
    "({TEXT} NOT LIKE '_b%')",
    "({TEXT} ILIKE 'HE%')",
    "({TEXT} ~ '[a-c]+$')",
    "({TEXT} ~* 'w.r')",
    "({TEXT} !~ '^\\s')",
    "({TEXT} SIMILAR TO '%(b|d)%')",
    '({INTEGER} = ANY ({INTEGER[]}))',
    '({TEXT} <> ALL ({TEXT[]}))',
    '({TEXT[]} @> {TEXT[]})',
    '({INTEGER[]} && {INTEGER[]})',
    '({INTEGER[]} <@ {INTEGER[]})',
    '({JSON} @> {JSON})',
    "({JSON} ? 'a')",
    '({JSON} ? {TEXT})',
    "({JSON} ?| ARRAY['a','z'])",
    '({JSON} ?& {TEXT[]})',
    '({INTEGER} BETWEEN SYMMETRIC {INTEGER} AND {INTEGER})',
    '({JSON} = {JSON})',
    '({TEXT} ^@ {TEXT})',
  );
  one(
    'JSON',
    2,
    "({JSON} -> 'c')",
    '({JSON} -> {INTEGER})',
    '({JSON} -> {TEXT})',
    "({JSON} #> '{c,0}')",
    '({JSON} #> {TEXT[]})',
  );
  one(
    'INTEGER[]',
    1,
    '({INTEGER[]} || {INTEGER[]})',
    '({INTEGER[]} || {INTEGER})',
    '({INTEGER[]})[{INTEGER}:{INTEGER}]',
    'ARRAY[{INTEGER}, {INTEGER}]',
  );
  one('TEXT[]', 1, '({TEXT[]} || {TEXT[]})', '({TEXT} || {TEXT[]})', '({TEXT[]})[2:]', 'ARRAY[{TEXT}, {TEXT}, NULL]');
  one('INTEGER', 1, '({INTEGER[]})[{INTEGER}]');
  for (const { operator, left, right, result } of timeOperators) one(result, 2, `({${left}} ${operator} {${right}})`);
  casts(one);
  functionRules(rules);
  for (const [type, leaves] of columnRules()) for (const rule of leaves) add(rules, type, rule, 4);
  return rules;
}

/** Texts that are read as types, and some that are none. Times in other forms than ISO 8601 are read there alone. */
const castTexts: { readonly [type in Type]?: readonly string[] } = {
  INTEGER: ["' 42 '", "'2147483648'", "'1.5'", "'0x1F'", "'1_000'", "''"],
  SMALLINT: ["'-32768'", "'32768'"],
  BIGINT: ["'9223372036854775807'", "'9223372036854775808'", "'-0'"],
  NUMERIC: ["'1.10'", "'1e3'", "'.5'", "'1e400'", "'--1'"],
  REAL: ["'1e39'", "'NaN'", "'3.4028235e38'"],
  'DOUBLE PRECISION': ["'1e400'", "'-Infinity'", "'1e-320'", "'9007199254740993'"],
  BOOLEAN: ["'yes'", "'tr'", "'0'", "'o'", "' on '"],
  BYTEA: ["'\\x00ff'", "'\\x0'", "'\\xzz'"],
  INTERVAL: ["'1 day 02:30'", "'-3 months'", "'1 fortnight'", "'25:59:60.5'", "'1:60'", "'0:00:61'", "'P1Y2M'"],
  'INTEGER[]': ["'{1,NULL,3}'", "'{1,x}'", "'{'", "'{}'"],
  'TEXT[]': ['\'{"a b",null}\'', "'{a,,b}'", "'x'"],
  JSON: ['\'{"a":1}\'', "'{a}'", "'[1,2'"],
};

/** Casts that both sides have; those that only one has are a table of the test. */
function casts(one: (type: Type, weight: number, ...texts: string[]) => void): void {
  const numbers = ['SMALLINT', 'INTEGER', 'BIGINT', 'REAL', 'DOUBLE PRECISION', 'NUMERIC'];
  for (const to of numbers) for (const from of numbers) if (from !== to) one(to as Type, 1, `{${from}}::${to}`);
  for (const to of [...numbers, 'BOOLEAN', 'TIMESTAMP', 'DATE', 'TEXT[]', 'INTEGER[]'])
    if (to !== 'TIMESTAMP' && to !== 'DATE') one(to as Type, 1, `{TEXT}::${to}`);
  for (const [to, texts] of Object.entries(castTexts))
    for (const text of texts)
      one(
        to as Type,
        1,
        `(⟦${text}⟧ || substr({TEXT}, 1, 0))::${postgresType(to)}`,
        `⟦${text}⟧::text::${postgresType(to)}`,
      );
  one('INTEGER', 1, '{BOOLEAN}::INTEGER');
  one('BOOLEAN', 1, '{INTEGER}::BOOLEAN');
  one('DATE', 1, '{TIMESTAMP}::DATE');
  one('TIMESTAMP', 1, '{DATE}::TIMESTAMP', '{TIMESTAMP}::TIMESTAMP(0)');
  one('TEXT', 1, '{TEXT}::varchar(3)::text');
  one('TEXT[]', 1, '{INTEGER[]}::TEXT[]');
}

/** The names of the functions whose calls are made by themselves. */
export const generatedFunctions = new Set<string>();
/** A rule for each of their overloads. */
const callRules: Rule[] = [];

function functionRules(rules: Map<Type, Rule[]>): void {
  for (const { functions } of functionSections) {
    for (const definition of functions) {
      if (
        excluded.has(definition.name) ||
        /^(?:to_)?json_|^to_json$/.test(definition.name) ||
        definition.own ||
        definition.volatile
      )
        continue;
      for (const overload of definition.overloads) {
        if (overload.parameters.includes('NUMBER') || isOwnOverload(definition.name, overload.parameters.length))
          continue;
        const element = () => ['TEXT', 'INTEGER'] as const;
        for (const item of overload.parameters.some((p) => p === 'ANY_ARRAY' || p === 'ELEMENT')
          ? element()
          : [undefined]) {
          const result =
            overload.returns === 'ANY_ARRAY' ? `${item}[]` : overload.returns === 'ELEMENT' ? item : overload.returns;
          const rule: Rule = (make, pick) => {
            const count = overload.parameters.length - pick(overload.optional + 1) + (overload.variadic ? pick(2) : 0);
            const args = Array.from({ length: count }, (_, i) => {
              const words = worded[definition.name];
              if (words?.at === i) return `'${(words.words[pick(words.words.length)] ?? '').replaceAll('\\\\', '\\')}'`;
              return argument(
                overload.parameters[Math.min(i, overload.parameters.length - 1)] ?? 'TEXT',
                item,
                make,
                pick,
              );
            });
            if (
              definition.name.startsWith('regexp_') &&
              count > (definition.name === 'regexp_replace' || definition.name === 'regexp_count' ? 3 : 2)
            )
              args[args.length - 1] =
                definition.name === 'regexp_replace' ? (["'g'", "'gi'", "'i'"][pick(3)] ?? '') : "'i'";
            if (definition.name.endsWith('build_object') && args.length > 0)
              return `${definition.name}('k', ${args[0]})`;
            return `${definition.name}(${args.join(', ')})`;
          };
          add(rules, result as Type, rule);
          callRules.push(rule);
          generatedFunctions.add(definition.name);
        }
      }
    }
  }
}

function argument(
  parameter: Parameter,
  item: 'TEXT' | 'INTEGER' | undefined,
  make: (type: Type) => string,
  pick: Pick,
): string {
  switch (parameter) {
    case 'ANY_TEXT':
    case 'ANY_OUTPUT':
      return make(parameterTypes[pick(parameterTypes.length)] ?? 'TEXT');
    case 'ANY_JSON':
      return make((['TEXT', 'INTEGER', 'BOOLEAN', 'JSON'] as const)[pick(4)] ?? 'TEXT');
    case 'ANY_ARRAY':
      return make(`${item ?? 'TEXT'}[]`);
    case 'ELEMENT':
      return make(item ?? 'TEXT');
    case 'INTEGER':
      return pick(4) === 0 ? make('INTEGER') : (['⟦1⟧', '⟦2⟧', '⟦3⟧', 'k', '⟦-1⟧', '⟦5⟧'][pick(6)] ?? 'k');
    default:
      return make(parameter);
  }
}

const rules = allRules();
const leaves = columnRules();
const generatedTypes: readonly Type[] = [...rules.keys()];

/** An expression of one of the types, nested as deep as `depth` at most. */
export function generate(pick: Pick, depth: number): Generated {
  return generated(make(generatedTypes[pick(generatedTypes.length)] ?? 'TEXT', 1 + pick(depth), pick));
}

/** A call of each overload of each function, with arguments nested as deep as `depth` at most. */
export function generateCalls(pick: Pick, depth: number): Generated[] {
  return callRules.map((rule) => generated(rule((type) => make(type, pick(depth), pick), pick)));
}

function make(type: Type, left: number, pick: Pick): string {
  const choices = (left > 0 ? rules : leaves).get(type) ?? [];
  const rule = choices[pick(choices.length)];
  if (!rule) throw new Error(`nothing makes a ${type}`);
  return rule((inner) => make(inner, left - 1, pick), pick);
}

const generated = (sql: string): Generated => ({
  sql: sql.replace(/[⟦⟧]/g, ''),
  unfolded: sql.replaceAll('⟦', '(SELECT ').replaceAll('⟧', ')'),
  approximate: approximateCall.test(sql),
});
