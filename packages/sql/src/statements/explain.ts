import type { Token } from '../text/lexer.js';
import type { Cursor } from './cursor.js';
import { selectTarget } from './select-target.js';

/** What EXPLAIN looks at a query as: that of a pipeline, one that LIMIT ends and that is answered with rows, or one over `system.*`. */
export type ExplainedAs = 'pipeline' | 'live' | 'system';

/** Options of PostgreSQL's EXPLAIN, most of which measure a query that ends. */
const options: ReadonlySet<string> = new Set(
  'analyze analyse verbose costs settings generic_plan buffers serialize wal timing summary memory format'.split(' '),
);

/** Throws `SqlError` for what EXPLAIN does not take, behind that word. */
export function refuseExplainOptions(cursor: Cursor): void {
  const bracketed = cursor.token.kind === 'symbol' && cursor.token.value === '(';
  const token = bracketed ? cursor.peek(1) : cursor.token;
  if (token.kind !== 'word') return;
  if (options.has(token.value))
    throw cursor.fail(
      token,
      'unsupported',
      `EXPLAIN ${token.value.toUpperCase()} is not supported: nothing is run to be measured`,
      'write EXPLAIN and the query; system.pipelines has the figures of a pipeline that runs',
    );
  if (!bracketed && explainable.has(token.value)) return;
  if (bracketed && (token.value === 'select' || token.value === 'with' || token.value === 'values')) return;
  throw cursor.fail(
    token,
    'syntax_error',
    `EXPLAIN takes a query, and "${cursor.text.slice(token.start, token.end)}" begins none`,
    'write EXPLAIN SELECT ... or EXPLAIN INSERT INTO ... SELECT ...; DESCRIBE name shows a definition',
  );
}

const explainable: ReadonlySet<string> = new Set(['select', 'with', 'insert', 'values', 'table']);

export function explainedAs(query: string, queryOffset: number, tokens: readonly Token[]): ExplainedAs {
  const words = outermostWords(tokens);
  if (words.includes('insert')) return 'pipeline';
  if (selectTarget(query, queryOffset) === 'system') return 'system';
  return words.includes('limit') ? 'live' : 'pipeline';
}

/** Words that stand within no brackets and are no aliases or columns. */
function outermostWords(tokens: readonly Token[]): string[] {
  let depth = 0;
  return tokens.flatMap(({ kind, value }, i) => {
    if (kind === 'symbol' && value === '(') depth++;
    if (kind === 'symbol' && value === ')') depth--;
    const before = tokens[i - 1]?.value;
    return kind === 'word' && depth === 0 && before !== 'as' && before !== '.' ? [value] : [];
  });
}
