import type { Type } from '../../bind/expression.js';

/** Where the random numbers come from: a number from 0 below the argument. */
export type Pick = (below: number) => number;

/** One way to make an expression of a type. */
export type Rule = (make: (type: Type) => string, pick: Pick) => string;

/** Rules by the type of what they make. */
export type Rules = Map<Type, Rule[]>;

/** `weight`: how often the rule is taken beside others. */
export function add(rules: Rules, type: Type, rule: Rule, weight = 1): void {
  const known = rules.get(type) ?? [];
  for (let i = 0; i < weight; i++) known.push(rule);
  rules.set(type, known);
}
