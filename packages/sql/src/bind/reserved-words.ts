/** PostgreSQL's reserved key words (https://www.postgresql.org/docs/18/sql-keywords-appendix.html): as names of columns they need double quotes. */
const reserved = new Set(
  `all analyse analyze and any array as asc asymmetric both case cast check collate column constraint create current_catalog current_date current_role
  current_time current_timestamp current_user default deferrable desc distinct do else end except false fetch for foreign from grant group having in initially
  intersect into lateral leading limit localtime localtimestamp not null offset on only or order placing primary references returning select session_user some
  symmetric system_user table then to trailing true union unique user using variadic when where window with
  authorization binary collation concurrently cross current_schema freeze full ilike inner is isnull join left like natural notnull outer overlaps right similar
  tablesample verbose`.split(/\s+/),
);

/** Words that every query is built with are more likely meant as such. */
const structural = new Set(['select', 'from', 'where', 'as', 'and', 'or', 'not']);

/** The reserved word that someone may have meant as a field, of the two that the parser stumbled between. */
export function misusedWord(before: string | undefined, near: string | undefined): string | undefined {
  if (before !== undefined && (before === near || !structural.has(before)) && reserved.has(before)) return before;
  return near !== undefined && (near === 'from' || !structural.has(near)) && reserved.has(near) ? near : undefined;
}

/** How to write a reserved word that is meant as a field. */
export const quotingHint = (word: string): string =>
  `if "${word}" is a field here: it is a reserved word, so put it in double quotes`;
