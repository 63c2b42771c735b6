import { SqlError } from '../errors.js';
import { tokenize } from '../text/lexer.js';
import { codePointOffset } from '../text/positions.js';

/**
 * What a SELECT on its own is over: `system.*` tables, whose text SQLite gets unchanged and PostgreSQL's parser need not
 * understand, or relations. Without any FROM it is SQLite's too. Mixing both is refused.
 */
export function selectTarget(query: string, queryOffset: number): 'system' | 'relations' {
  const tokens = tokenize(query);
  const systemTables: number[] = [];
  const others: number[] = [];
  const commonTables = new Set<string>();
  let expectsTable = false;
  for (const [i, token] of tokens.entries()) {
    if (token.kind === 'word' && tokens[i + 1]?.value === 'as' && tokens[i + 2]?.value === '(')
      commonTables.add(token.value);
    const isName = token.kind === 'word' || token.kind === 'quoted';
    if (expectsTable && isName) {
      if (token.value === 'system' && tokens[i + 1]?.value === '.') systemTables.push(token.start);
      else if (!commonTables.has(token.value) && tokens[i + 1]?.value !== '(') others.push(token.start);
      if (token.value === 'test_connection') others.push(token.start);
    }
    if (isName && token.value === 'test_connection' && tokens[i + 1]?.value === '(') {
      throw new SqlError(
        'unsupported',
        'connections cannot be tested yet',
        queryOffset + codePointOffset(query, token.start),
        'look at system.nats_connections',
      );
    }
    // The FROM of EXTRACT(x FROM y) and its like names no table.
    expectsTable =
      token.kind === 'word' && (token.value === 'from' || token.value === 'join') && !insideExtract(tokens, i);
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

function insideExtract(tokens: readonly { value: string }[], from: number): boolean {
  const opener = tokens[from - 2];
  const call = tokens[from - 3];
  return opener?.value === '(' && ['extract', 'trim', 'substring', 'overlay'].includes(call?.value ?? '');
}
