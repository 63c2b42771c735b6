import { type Token, tokenize } from '../text/lexer.js';
import { codePointOffsets } from '../text/positions.js';

/** Words that end a WHERE clause, at its own depth of brackets. */
const clauseWords: ReadonlySet<string> = new Set(
  'group having window union intersect except order limit offset fetch for'.split(' '),
);

const textCharsMax = 200;

/** The text of the condition around an offset (code points) into a query: what AND joins to others in the innermost WHERE clause; undefined outside of any. */
export type ConditionTexts = (offset: number) => string | undefined;

export function conditionTexts(query: string): ConditionTexts {
  const clauses = whereClauses(tokenize(query));
  const codePoints = codePointOffsets(query);
  return (offset) => {
    const around = clauses.filter(({ first, end }) => codePoints(first) <= offset && offset < codePoints(end));
    const innermost = around.sort((a, b) => b.first - a.first)[0];
    const condition = innermost?.conditions.findLast(({ first }) => codePoints(first) <= offset);
    return condition && shortened(query.slice(condition.first, condition.end));
  };
}

/** JavaScript's indices: of its first character, and behind its last one. */
interface Span {
  readonly first: number;
  readonly end: number;
}

interface Clause extends Span {
  /** What AND joins, in order. */
  readonly conditions: readonly Span[];
}

function whereClauses(tokens: readonly Token[]): Clause[] {
  return tokens.flatMap((token, i) =>
    token.kind === 'word' && token.value === 'where' ? clauseFrom(tokens, i + 1) : [],
  );
}

function clauseFrom(tokens: readonly Token[], from: number): Clause[] {
  let depth = 0;
  let either = false;
  let between = false;
  const conditions: Token[][] = [[]];
  for (const token of tokens.slice(from)) {
    const word = token.kind === 'word' ? token.value : undefined;
    if (token.kind === 'end' || (depth === 0 && word !== undefined && clauseWords.has(word))) break;
    if (token.kind === 'symbol' && token.value === ';') break;
    if (word === 'case' || (token.kind === 'symbol' && (token.value === '(' || token.value === '['))) depth++;
    if (word === 'end' || (token.kind === 'symbol' && (token.value === ')' || token.value === ']'))) depth--;
    if (depth < 0) break;
    if (depth === 0 && word === 'or') either = true;
    if (depth === 0 && word === 'between') between = true;
    // The AND of BETWEEN joins no conditions.
    const joins = depth === 0 && word === 'and' && !between;
    if (depth === 0 && word === 'and') between = false;
    if (joins) conditions.push([]);
    else conditions.at(-1)?.push(token);
  }
  const spans = conditions.flatMap(spanOf);
  const [first, last] = [spans[0], spans.at(-1)];
  if (!first || !last) return [];
  const whole = { first: first.first, end: last.end };
  // OR binds looser: the ANDs around it join its operands.
  return [{ ...whole, conditions: either ? [whole] : spans }];
}

function spanOf(tokens: readonly Token[]): Span[] {
  const [first, last] = [tokens[0], tokens.at(-1)];
  return first && last ? [{ first: first.start, end: last.end }] : [];
}

function shortened(text: string): string {
  const line = text.replace(/\s+/g, ' ');
  const characters = [...line];
  return characters.length <= textCharsMax ? line : `${characters.slice(0, textCharsMax).join('')}...`;
}
