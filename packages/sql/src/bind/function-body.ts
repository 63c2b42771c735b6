import type { Node } from '@pgsql/types';
import { SqlError } from '../errors.js';
import { tokenize } from '../text/lexer.js';
import { codePointOffset } from '../text/positions.js';
import { firstLocation } from './clauses.js';
import { parseQuery } from './parse.js';
import { SourceText } from './source-text.js';

/** What makes an expression a query, which is what the parser takes. */
const prefix = 'SELECT ';

/** The one expression that a body of SQL is. */
export interface FunctionBody {
  readonly expression: Node;
  readonly source: SourceText;
}

/** Parses a body. Throws `SqlError` with an offset in the text that the parser gets; `inBody` makes it one in the body. */
export function parseFunctionBody(body: string): FunctionBody {
  const text = `${prefix}${body}`;
  refuseStatement(text);
  const parsed = parseQuery(text);
  const source = new SourceText(text);
  const select = 'select' in parsed ? parsed.select : {};
  const { targetList = [], limitOption, op, ...clauses } = select;
  const [target, second] = targetList;
  const expression = target && 'ResTarget' in target ? target.ResTarget : {};
  const isPlain = Object.keys(clauses).length === 0 && op === 'SETOP_NONE' && limitOption === 'LIMIT_OPTION_DEFAULT';
  if (isPlain && !second && expression.val && expression.name === undefined)
    return { expression: expression.val, source };
  const at = firstLocation(second ?? (isPlain ? target : clauses));
  throw noExpression(source.offset(at ?? prefix.length));
}

const noExpression = (offset: number): SqlError =>
  new SqlError(
    'unsupported',
    'the body of a function in SQL is one expression over its arguments',
    offset,
    "write it without SELECT, FROM, alias and ;, such as 'a + b'",
  );

/** In PostgreSQL a body is made of statements. */
function refuseStatement(text: string): void {
  const [, first, ...others] = tokenize(text);
  const opens = first?.kind === 'word' && ['select', 'with'].includes(first.value);
  const token = opens ? first : others.find(({ kind, value }) => kind === 'symbol' && value === ';');
  if (token) throw noExpression(codePointOffset(text, token.start));
}

/** Does something with a body's text; errors have their offsets in the body, without what stands before it for the parser. */
export function inBody<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof SqlError)) throw error;
    throw new SqlError(error.code, error.message, Math.max(0, error.offset - prefix.length), error.hint);
  }
}
