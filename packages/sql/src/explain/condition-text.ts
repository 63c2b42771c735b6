import { type Token, tokenize } from '../text/lexer.js';
import { codePointOffsets } from '../text/positions.js';

/** Words that end a WHERE clause, at its own depth of brackets. */
const clauseWords: ReadonlySet<string> = new Set(
  'group having window union intersect except order limit offset fetch for'.split(' '),
);

const textCharsMax = 200;

/** The text of the WHERE clause around each offset (code points) into a query: the innermost one, undefined where there is none. */
export function conditionTexts(query: string, offsets: readonly number[]): (string | undefined)[] {
  const clauses = whereClauses(tokenize(query));
  const codePoints = codePointOffsets(query);
  return offsets.map((offset) => {
    const around = clauses.filter(({ first, end }) => codePoints(first) <= offset && offset < codePoints(end));
    const innermost = around.sort((a, b) => b.first - a.first)[0];
    return innermost && shortened(query.slice(innermost.first, innermost.end));
  });
}

interface Clause {
  /** JavaScript's indices: of its first character, and behind its last one. */
  readonly first: number;
  readonly end: number;
}

function whereClauses(tokens: readonly Token[]): Clause[] {
  return tokens.flatMap((token, i) =>
    token.kind === 'word' && token.value === 'where' && tokens[i + 1]
      ? [{ first: tokens[i + 1]?.start ?? token.end, end: endOfClause(tokens, i + 1) }]
      : [],
  );
}

function endOfClause(tokens: readonly Token[], from: number): number {
  let depth = 0;
  let end = tokens[from]?.start ?? 0;
  for (const token of tokens.slice(from)) {
    if (token.kind === 'end' || (depth === 0 && token.kind === 'word' && clauseWords.has(token.value))) break;
    if (token.kind === 'symbol' && (token.value === '(' || token.value === '[')) depth++;
    if (token.kind === 'symbol' && (token.value === ')' || token.value === ']') && --depth < 0) break;
    end = token.end;
  }
  return end;
}

function shortened(text: string): string {
  const line = text.replace(/\s+/g, ' ');
  const characters = [...line];
  return characters.length <= textCharsMax ? line : `${characters.slice(0, textCharsMax).join('')}...`;
}
