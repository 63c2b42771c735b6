import { type Token, tokenize } from '../text/lexer.js';
import { byteIndex, codePointOffsets } from '../text/positions.js';
import type { Identifier } from './scope.js';

/** The text of a query beside its parse tree, whose names are folded and whose locations are bytes. */
export class SourceText {
  readonly #tokens: readonly Token[];
  readonly #index: (byte: number) => number;
  readonly #codePoints: (index: number) => number;
  /** The place of each token that is a location of the parse tree, by its start. */
  readonly #places: ReadonlyMap<number, number>;

  constructor(readonly text: string) {
    this.#tokens = tokenize(text);
    this.#index = byteIndex(text);
    this.#codePoints = codePointOffsets(text);
    this.#places = new Map(this.#tokens.map(({ start }, place) => [start, place]));
  }

  /** A location of the parse tree, in code points. What the parser made up itself has the location -1, and counts as the beginning. */
  offset(location: number | undefined): number {
    return this.#codePoints(this.#index(Math.max(0, location ?? 0)));
  }

  /** The identifiers of a column reference at a location: `a`, or `t.a`. */
  identifiers(location: number | undefined, count: number): Identifier[] {
    const first = this.#tokenAt(location);
    return Array.from({ length: count }, (_, i) => this.#identifier(this.#tokens[first + 2 * i]));
  }

  /** The alias that ends the item of a select list which begins at a location: its last token. */
  alias(location: number | undefined): Identifier {
    let depth = 0;
    let last = this.#tokenAt(location);
    for (let i = last; i < this.#tokens.length; i++) {
      const token = this.#tokens[i] as Token;
      if (token.kind === 'end' || (depth === 0 && endsItem(token, this.#tokens[i - 1]))) break;
      if (isSymbol(token, '(', '[')) depth++;
      if (isSymbol(token, ')', ']')) {
        if (depth === 0) break;
        depth--;
      }
      last = i;
    }
    return this.#identifier(this.#tokens[last]);
  }

  /** Where the last of `words` before a location stands, in code points; the location itself where there is none. */
  wordBefore(location: number | undefined, ...words: string[]): number {
    for (let i = this.#tokenAt(location); i >= 0; i--) {
      const token = this.#tokens[i] as Token;
      if (token.kind === 'word' && words.includes(token.value)) return this.#codePoints(token.start);
    }
    return this.offset(location);
  }

  /** Where the first of `words` after a location stands, in code points; the location itself where there is none. */
  wordAfter(location: number | undefined, ...words: string[]): number {
    for (let i = this.#tokenAt(location); i < this.#tokens.length; i++) {
      const token = this.#tokens[i] as Token;
      if (token.kind === 'word' && words.includes(token.value)) return this.#codePoints(token.start);
    }
    return this.offset(location);
  }

  /** The columns that are named behind an alias, `alias (a, b)`, after a location. The parse tree has them folded, and without a place. */
  columnsBehind(alias: string, folded: readonly string[], location: number | undefined): Identifier[] {
    const isRun = (start: number) =>
      isNamed(this.#tokens[start], alias) &&
      isSymbol(this.#tokens[start + 1], '(') &&
      folded.every((name, i) => isNamed(this.#tokens[start + 2 + 2 * i], name)) &&
      isSymbol(this.#tokens[start + 1 + 2 * folded.length], ')');
    for (let at = this.#tokenAt(location); at < this.#tokens.length; at++)
      if (isRun(at)) return folded.map((_, i) => this.#identifier(this.#tokens[at + 2 + 2 * i]));
    return folded.map((name) => ({ written: name, folded: name, quoted: true }));
  }

  /** The name before the `.*` at a location. */
  starOwner(location: number | undefined): Identifier {
    return this.#identifier(this.#tokens[this.#tokenAt(location)]);
  }

  #tokenAt(location: number | undefined): number {
    const start = this.#index(Math.max(0, location ?? 0));
    return (
      this.#places.get(start) ??
      Math.max(
        0,
        this.#tokens.findIndex((token) => token.start >= start),
      )
    );
  }

  #identifier(token: Token | undefined): Identifier {
    const quoted = token?.kind === 'quoted';
    const written = token === undefined ? '' : quoted ? token.value : this.text.slice(token.start, token.end);
    return { written, quoted, folded: quoted ? written : written.toLowerCase() };
  }
}

const isSymbol = (token: Token | undefined, ...symbols: string[]): boolean =>
  token?.kind === 'symbol' && symbols.includes(token.value);

const isNamed = (token: Token | undefined, name: string): boolean =>
  (token?.kind === 'word' || token?.kind === 'quoted') && token.value === name;

/** After AS a word is an alias, whatever it means elsewhere; the FROM of IS DISTINCT FROM belongs to the item. */
function endsItem(token: Token, before: Token | undefined): boolean {
  if (token.kind === 'symbol') return token.value === ',' || token.value === ';';
  if (
    token.kind !== 'word' ||
    (before?.kind === 'word' && before.value === 'as') ||
    (token.value === 'from' && before?.value === 'distinct')
  )
    return false;
  return clauseWords.has(token.value);
}

const clauseWords: ReadonlySet<string> = new Set([
  'from',
  'where',
  'union',
  'group',
  'order',
  'having',
  'limit',
  'intersect',
  'except',
]);
