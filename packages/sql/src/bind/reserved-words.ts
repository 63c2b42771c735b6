/** PostgreSQL's reserved key words (https://www.postgresql.org/docs/18/sql-keywords-appendix.html): as names they need double quotes. */
const reserved = new Set(
  `all analyse analyze and any array as asc asymmetric both case cast check collate column constraint create current_catalog current_date current_role
  current_time current_timestamp current_user default deferrable desc distinct do else end except false fetch for foreign from grant group having in initially
  intersect into lateral leading limit localtime localtimestamp not null offset on only or order placing primary references returning select session_user some
  symmetric system_user table then to trailing true union unique user using variadic when where window with`.split(
    /\s+/,
  ),
);

/** Words that a query begins or is built with are more likely meant as such. */
const structural = new Set([
  'select',
  'from',
  'where',
  'with',
  'as',
  'and',
  'or',
  'not',
  'into',
  'case',
  'when',
  'then',
  'else',
  'end',
  'in',
  'null',
  'union',
  'true',
  'false',
]);

/** Says whether a word is one that people try to use as a field, and cannot unless quoted. */
export const isReservedWord = (word: string): boolean => reserved.has(word) && !structural.has(word);
