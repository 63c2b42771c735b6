import { type Token, tokenize } from '../text/lexer.js';
import { misusedWord, quotingHint } from './reserved-words.js';

/**
 * What to do where PostgreSQL's parser stumbles over the token at `index` (JavaScript's), or over the end; `isGrammar` where its message says no more than that.
 * The text must consist of whole tokens.
 */
export function syntaxHint(query: string, index: number, isGrammar: boolean): string {
  const tokens = tokenize(query);
  if (!isGrammar) return 'leave it out, or write what the message asks for';
  const place = Math.max(
    0,
    tokens.findIndex(({ start }) => start >= index),
  );
  const at = tokens[place] ?? end;
  const before = tokens[place - 1] ?? end;
  return (
    commaHint(before, at) ??
    quotedField(before, at) ??
    openHint(tokens.slice(0, place), at) ??
    operandHint(before, at) ??
    'what stands in front of the caret does not go on like this'
  );
}

const end: Token = { kind: 'end', value: '', start: 0, end: 0 };

const isSymbol = ({ kind, value }: Token, ...symbols: readonly string[]): boolean =>
  kind === 'symbol' && symbols.includes(value);
const isWord = ({ kind, value }: Token, ...words: readonly string[]): boolean =>
  kind === 'word' && words.includes(value);

const clauses = ['from', 'where', 'group', 'having', 'order', 'limit', 'union', 'as'];

function commaHint(before: Token, at: Token): string | undefined {
  if (isSymbol(before, ',') && (isWord(at, ...clauses) || isSymbol(at, ')', ']', ';') || at.kind === 'end'))
    return 'take out the comma in front of it';
  if (isSymbol(at, ',') && (isSymbol(before, ',', '(', '[') || isWord(before, 'select', 'from', 'by')))
    return 'something is missing in front of the comma, or there is one comma too many';
  return undefined;
}

function quotedField(before: Token, at: Token): string | undefined {
  const word = misusedWord(wordOf(before), wordOf(at));
  return word === undefined ? undefined : quotingHint(word);
}

const wordOf = ({ kind, value }: Token): string | undefined => (kind === 'word' ? value : undefined);

/** A bracket or a CASE that something which cannot stand within it ends. */
function openHint(before: readonly Token[], at: Token): string | undefined {
  const open: string[] = [];
  for (const token of before) {
    if (isSymbol(token, '(', '[')) open.push(token.value);
    if (isWord(token, 'case')) open.push('CASE');
    if (isSymbol(token, ')', ']') || isWord(token, 'end')) open.pop();
  }
  const last = open.at(-1);
  if (last === undefined) return isSymbol(at, ')', ']') ? 'it closes no bracket that is open' : undefined;
  if (at.kind !== 'end' && !isWord(at, ...clauses) && !isSymbol(at, ';')) return undefined;
  return last === 'CASE'
    ? 'a CASE is not finished: close it with END'
    : `a bracket ${last} in front of it is not closed`;
}

function operandHint(before: Token, at: Token): string | undefined {
  const ends = at.kind === 'end' || isWord(at, ...clauses) || isSymbol(at, ')', ']', ';');
  if (isWord(before, 'from') && ends) return 'FROM takes the name of a connection or a table';
  if (isWord(before, 'where') && ends) return 'WHERE takes a condition, such as WHERE total > 100';
  if (isWord(before, 'select') && ends) return 'name columns, or *';
  if (isWord(before, 'into') && ends) return 'INSERT INTO takes the name of a sink';
  if (ends && (isSymbol(before, ...'+-*/%<>=|&~^'.split('')) || isWord(before, 'and', 'or', 'not')))
    return 'an operand is missing in front of it';
  if (at.kind === 'end') return 'the query ends too early';
  if (isOperand(before) && isOperand(at)) return 'a comma or an operator is missing in front of it';
  return undefined;
}

const isOperand = (token: Token): boolean =>
  token.kind === 'word' ||
  token.kind === 'quoted' ||
  token.kind === 'string' ||
  token.kind === 'number' ||
  isSymbol(token, ')', ']');
