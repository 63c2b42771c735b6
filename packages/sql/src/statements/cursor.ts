import { namePattern } from '@laminar/definitions';
import type { SqlErrorCode } from '../error-codes.js';
import { SqlError } from '../errors.js';
import type { Token } from '../text/lexer.js';
import { codePointOffsets } from '../text/positions.js';

/** A place among the tokens of a script. */
export class Cursor {
  #at = 0;
  /** An index of the text as an offset in code points. */
  readonly offset: (index: number) => number;

  constructor(
    readonly text: string,
    readonly tokens: readonly Token[],
  ) {
    this.offset = codePointOffsets(text);
  }

  get token(): Token {
    return this.peek(0);
  }

  get atEnd(): boolean {
    return this.token.kind === 'end';
  }

  peek(ahead: number): Token {
    return this.tokens[Math.min(this.#at + ahead, this.tokens.length - 1)] as Token;
  }

  advance(): Token {
    const token = this.token;
    this.#at++;
    return token;
  }

  /** Takes the words if they come next, all of them. */
  takeWords(...words: string[]): boolean {
    const found = words.every((word, i) => this.peek(i).kind === 'word' && this.peek(i).value === word);
    if (found) this.#at += words.length;
    return found;
  }

  atSymbol(symbol: string): boolean {
    return this.token.kind === 'symbol' && this.token.value === symbol;
  }

  takeSymbol(symbol: string): boolean {
    const found = this.atSymbol(symbol);
    if (found) this.#at++;
    return found;
  }

  expectWords(...words: string[]): void {
    if (!this.takeWords(...words)) throw this.unexpected(words.join(' ').toUpperCase());
  }

  expectSymbol(symbol: string): void {
    if (!this.takeSymbol(symbol)) throw this.unexpected(`"${symbol}"`);
  }

  /** A name of a definition: folded to lower case unless quoted, and of the form that names have. */
  name(what: string): string {
    const { token } = this;
    if (token.kind !== 'word' && token.kind !== 'quoted') throw this.unexpected(what);
    // A name may hold hyphens, which are symbols to the lexer: they belong to it where nothing stands between.
    let { value, end } = this.advance();
    while (
      token.kind === 'word' &&
      this.token.value === '-' &&
      this.token.start === end &&
      this.peek(1).start === end + 1 &&
      ['word', 'number'].includes(this.peek(1).kind)
    ) {
      this.advance();
      const part = this.advance();
      value += `-${part.value}`;
      end = part.end;
    }
    if (!namePattern.test(value)) {
      throw this.fail(
        token,
        'invalid_name',
        `"${value}" is not a name`,
        'a name begins with a letter or _, goes on with letters, digits, _ and -, and has at most 63 characters',
      );
    }
    return value;
  }

  unexpected(wanted: string, hint?: string): SqlError {
    const { token } = this;
    const found = token.kind === 'end' ? 'the end of the text' : `"${this.text.slice(token.start, token.end)}"`;
    return this.fail(token, 'syntax_error', `expected ${wanted}, found ${found}`, hint);
  }

  fail(at: Token, code: SqlErrorCode, message: string, hint?: string): SqlError {
    return new SqlError(code, message, this.offset(at.start), hint);
  }
}
