import type { Type } from '../../bind/expression.js';
import type { Parameter } from '../../functions/definition.js';
import { functionSections } from '../../functions/index.js';
import { add, type Pick, type Rule, type Rules } from './rule.js';

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

/** What an interval has. */
const intervalTemplates = ['YYYY-MM-DD HH24:MI:SS.US', 'FMDDDth HH12:MI AM', 'IYYY-IW Q CC J W WW RM', 'Y,YYY SSSS'];

/** Others are made by themselves: one that is wrong is refused here wherever it stands. */
const numberTemplates = [
  '9,990.00',
  'FM99999',
  'S0999.9',
  '9.99EEEE',
  'FMRN',
  '99V99',
  '999.9PR',
  'FM999th',
  'MI0G000',
];

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

/** The logarithm to a base is for NUMERIC alone in PostgreSQL, and nothing untyped is written by a template. */
const isOwnOverload = (name: string, parameters: readonly Parameter[]): boolean =>
  (name === 'log' && parameters.length === 2) || (name === 'to_char' && parameters[0] === 'JSON');

const parameterTypes: readonly Type[] = [
  'TEXT',
  'INTEGER',
  'NUMERIC',
  'BOOLEAN',
  'DATE',
  'TIMESTAMP',
  'DOUBLE PRECISION',
];
/** The names of the functions whose calls are made by themselves. */
export const generatedFunctions = new Set<string>();
/** A rule for each of their overloads. */
export const callRules: Rule[] = [];

/** Rules for the calls of all functions. */
export function addFunctionRules(rules: Rules): void {
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
        if (overload.parameters.includes('NUMBER') || isOwnOverload(definition.name, overload.parameters)) continue;
        const element = () => ['TEXT', 'INTEGER'] as const;
        for (const item of overload.parameters.some((p) => p === 'ANY_ARRAY' || p === 'ELEMENT')
          ? element()
          : [undefined]) {
          const result =
            overload.returns === 'ANY_ARRAY' ? `${item}[]` : overload.returns === 'ELEMENT' ? item : overload.returns;
          const rule: Rule = (make, pick) => {
            const count = overload.parameters.length - pick(overload.optional + 1) + (overload.variadic ? pick(2) : 0);
            const args = Array.from({ length: count }, (_, i) => {
              if (definition.name === 'to_char' && i === 1 && overload.parameters[0] !== 'TIMESTAMP') {
                const templates = overload.parameters[0] === 'INTERVAL' ? intervalTemplates : numberTemplates;
                return `'${templates[pick(templates.length)]}'`;
              }
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
