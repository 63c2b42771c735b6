import { SqlError } from '../errors.js';
import { type Token, tokenize } from '../text/lexer.js';
import { codePointOffset } from '../text/positions.js';

/** Block comments of a query, at most. */
export const commentsMax = 1000;
/** Values behind IN, at most: each becomes a comparison of its own, of several parts. */
export const listMax = 4000;
/** PostgreSQL's own limit for the name of an operator. */
const operatorLengthMax = 63;

/**
 * Refuses what takes long to parse and cannot become a query: long lists behind IN; thousands of block comments, and runs of signs, which PostgreSQL's scanner
 * reads to their end anew for each sign, so that the time grows with its square. Throws `SqlError`.
 */
export function refuseSlowToParse(query: string): void {
  const tokens = tokenize(query);
  refuseLongLists(query, tokens);
  let comments = 0;
  let run = 0;
  for (const [i, token] of tokens.entries()) {
    const before: Token | undefined = tokens[i - 1];
    const from = before?.end ?? 0;
    if (token.start > from) comments += query.slice(from, token.start).split('/*').length - 1;
    if (comments > commentsMax)
      throw tooLarge(query, from, `a query has at most ${commentsMax} comments between /* and */`, 'write -- comments');
    run = isSign(token) ? (before && isSign(before) && before.end === token.start ? run + 1 : 1) : 0;
    if (run > operatorLengthMax)
      throw tooLarge(
        query,
        token.start,
        `an operator has at most ${operatorLengthMax} characters`,
        'put spaces between the signs, or take some out',
      );
  }
}

function refuseLongLists(query: string, tokens: readonly Token[]): void {
  /** The brackets that are open: the IN before each, where there is one, and the values so far. */
  const open: { readonly list: Token | undefined; values: number }[] = [];
  for (const [i, { kind, value }] of tokens.entries()) {
    const before = tokens[i - 1];
    if (kind !== 'symbol') continue;
    if (value === '(' || value === '[')
      open.push({ list: before?.kind === 'word' && before.value === 'in' ? before : undefined, values: 1 });
    else if (value === ')' || value === ']') open.pop();
    const last = value === ',' ? open.at(-1) : undefined;
    if (last?.list && ++last.values > listMax)
      throw tooLarge(
        query,
        last.list.start,
        `a list behind IN has at most ${listMax} values`,
        "write = ANY (ARRAY[...]) or = ANY ('{...}'), which is quicker too",
      );
  }
}

/** What operators are made of (https://www.postgresql.org/docs/18/sql-syntax-lexical.html#SQL-SYNTAX-OPERATORS). */
const isSign = ({ kind, value }: Token): boolean => kind === 'symbol' && '+-*/<>=~!@#%^&|`?'.includes(value);

const tooLarge = (query: string, index: number, message: string, hint: string): SqlError =>
  new SqlError('too_large', message, codePointOffset(query, index), hint);
