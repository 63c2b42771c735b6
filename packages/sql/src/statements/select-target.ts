import { SqlError } from '../errors.js';
import { tokenize } from '../text/lexer.js';
import { codePointOffset } from '../text/positions.js';

/**
 * What a SELECT on its own is over: `system.*` tables, whose text SQLite gets unchanged and PostgreSQL's parser need not
 * understand, or relations. Without any FROM it is SQLite's too. Mixing both is refused.
 */
export function selectTarget(query: string, queryOffset: number): 'system' | 'relations' {
  const tokens = tokenize(query);
  const closing = closingBrackets(tokens);
  const systemTables: number[] = [];
  const others: number[] = [];
  const commonTables = new Set<string>();
  let expectsTable = false;
  /** By depth of brackets: whether a comma leads to another table. */
  const inFrom = [false];
  for (const [i, token] of tokens.entries()) {
    const isName = token.kind === 'word' || token.kind === 'quoted';
    if (isName && namesCommonTable(tokens, i, closing)) commonTables.add(token.value);
    if (expectsTable && isName) {
      if (token.value === 'system' && tokens[i + 1]?.value === '.') systemTables.push(token.start);
      else if (!commonTables.has(token.value) && tokens[i + 1]?.value !== '(') others.push(token.start);
    }
    if (token.kind === 'symbol' && token.value === '(') inFrom.push(false);
    else if (token.kind === 'symbol' && token.value === ')' && inFrom.length > 1) inFrom.pop();
    // The FROM of EXTRACT(x FROM y) and its like names no table.
    const from = token.kind === 'word' && token.value === 'from' && !insideExtract(tokens, i);
    if (from) inFrom[inFrom.length - 1] = true;
    else if (token.kind === 'word' && endsFrom.has(token.value)) inFrom[inFrom.length - 1] = false;
    expectsTable =
      from ||
      (token.kind === 'word' && token.value === 'join') ||
      (token.kind === 'symbol' && token.value === ',' && inFrom.at(-1) === true);
  }
  if (systemTables.length > 0 && others.length > 0) {
    const at = queryOffset + codePointOffset(query, others[0] ?? 0);
    throw new SqlError(
      'unsupported',
      'system tables and relations cannot be mixed in one query',
      at,
      'ask for them one after the other',
    );
  }
  return others.length > 0 ? 'relations' : 'system';
}

const endsFrom: ReadonlySet<string> = new Set(
  'select where group having window order limit offset union intersect except'.split(' '),
);

/** Where the first bracket that closes stands from a token on; behind the last token where there is none. Found for all at once, as a query may open thousands. */
function closingBrackets(tokens: readonly { value: string }[]): (at: number) => number {
  const places = new Int32Array(tokens.length + 1).fill(tokens.length);
  for (let i = tokens.length - 1; i >= 0; i--) places[i] = tokens[i]?.value === ')' ? i : (places[i + 1] ?? i);
  return (at) => places[at] ?? tokens.length;
}

/** Says whether a name is that of a common table: `n AS (`, `n (column, ...) AS (`, either with MATERIALIZED. */
function namesCommonTable(
  tokens: readonly { value: string }[],
  name: number,
  closing: (at: number) => number,
): boolean {
  let at = name + 1;
  if (tokens[at]?.value === '(') {
    at = closing(at) + 1;
  }
  if (tokens[at]?.value !== 'as') return false;
  at++;
  while (tokens[at]?.value === 'not' || tokens[at]?.value === 'materialized') at++;
  return tokens[at]?.value === '(';
}

function insideExtract(tokens: readonly { value: string }[], from: number): boolean {
  const opener = tokens[from - 2];
  const call = tokens[from - 3];
  return opener?.value === '(' && ['extract', 'trim', 'substring', 'overlay'].includes(call?.value ?? '');
}
