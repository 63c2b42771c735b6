import type { Type } from '../../bind/expression.js';
import { functionSections } from '../../functions/index.js';
import { addFunctionRules, callRules } from './function-rules.js';
import { literals } from './literals.js';
import { addOperatorRules } from './operator-rules.js';
import { columns } from './rows.js';
import { add, type Pick, type Rules } from './rule.js';

/** An expression, and whether its last digits are the platform's. */
export interface Generated {
  readonly sql: string;
  /** The same for PostgreSQL, with literals that its planner cannot compute ahead: what it folds away raises no errors. */
  readonly unfolded: string;
  readonly approximate: boolean;
}

const approximateCall = new RegExp(
  `\\b(?:${functionSections.flatMap(({ functions }) => functions.filter((f) => f.approximate).map((f) => f.name)).join('|')})\\(|\\^`,
);

function columnRules(): Rules {
  const rules = new Map();
  for (const [name, type] of Object.entries(columns)) add(rules, type, () => name, 3);
  for (const [type, texts] of Object.entries(literals))
    add(rules, type as Type, (_, pick) => `⟦${texts[pick(texts.length)] ?? ''}⟧`);
  return rules;
}

function allRules(): Rules {
  const rules: Rules = new Map();
  addOperatorRules(rules);
  addFunctionRules(rules);
  for (const [type, leaves] of columnRules()) for (const rule of leaves) add(rules, type, rule, 4);
  return rules;
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
