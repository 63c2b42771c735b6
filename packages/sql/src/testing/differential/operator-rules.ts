import type { Type } from '../../bind/expression.js';
import { timeOperators } from '../../bind/time-arithmetic.js';
import { castTexts } from './literals.js';
import { postgresType } from './rows.js';
import { add, type Rules } from './rule.js';

/** Adds texts in which `{TYPE}` stands for an expression of that type. */
type One = (type: Type, weight: number, ...texts: string[]) => void;

/** Rules for operators, forms with words of their own, and casts. */
export function addOperatorRules(rules: Rules): void {
  const one: One = (type, weight, ...texts) => {
    for (const text of texts)
      add(rules, type, (make) => text.replace(/\{([A-Z[\] ]+)\}/g, (_, inner: string) => make(inner as Type)), weight);
  };
  numbers(one);
  texts(one);
  comparisons(one);
  containers(one);
  for (const { operator, left, right, result } of timeOperators) one(result, 2, `({${left}} ${operator} {${right}})`);
  casts(one);
}

function numbers(one: One): void {
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
}

function texts(one: One): void {
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
    '({JSON} ->> {INTEGER})',
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
  one('BYTEA', 2, '({BYTEA} || {BYTEA})', "({BYTEA} || '\\x00ff')");
  one('TEXT', 1, '({BYTEA} || {TEXT})', '({TEXT} || {BYTEA})');
  one(
    'TIMESTAMP',
    1,
    "({TIMESTAMP} AT TIME ZONE 'UTC')",
    "({TIMESTAMP} AT TIME ZONE 'utc' AT TIME ZONE 'Etc/UTC')",
    "({DATE} AT TIME ZONE 'GMT')",
  );
}

function comparisons(one: One): void {
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
}

function containers(one: One): void {
  one(
    'JSON',
    2,
    "({JSON} -> 'c')",
    '({JSON} -> {INTEGER})',
    '({JSON} -> {TEXT})',
    "({JSON} #> '{c,0}')",
    '({JSON} #> {TEXT[]})',
    '({JSON} - {TEXT})',
    '({JSON} - {TEXT[]})',
    "({JSON} #- '{c,0}')",
    "({JSON} #- '{c}')",
    '({JSON} #- {TEXT[]})',
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
}

/** Casts that both sides have; those that only one has are a table of the test. */
function casts(one: One): void {
  const numeric = ['SMALLINT', 'INTEGER', 'BIGINT', 'REAL', 'DOUBLE PRECISION', 'NUMERIC'];
  for (const to of numeric) for (const from of numeric) if (from !== to) one(to as Type, 1, `{${from}}::${to}`);
  for (const to of [...numeric, 'BOOLEAN', 'TIMESTAMP', 'DATE', 'TEXT[]', 'INTEGER[]'])
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
