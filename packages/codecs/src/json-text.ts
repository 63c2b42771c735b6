import { isAscii } from 'node:buffer';
import { endOfText } from './json-walk.js';
import { latin1At } from './text-at.js';

const closingBrace = 0x7d;

let texts = 0;

/** The bytes of one message that may be a JSON object. */
export class JsonText {
  /** The index of the last byte that is no white space; -1 where there is none. */
  readonly end: number;
  /** Tells it from all others, without holding it. */
  readonly id = ++texts;
  #latin1: string | undefined;
  #hasUnicodeEscape: boolean | undefined;
  #isAscii: boolean | undefined;

  constructor(readonly bytes: Uint8Array) {
    this.end = endOfText(bytes);
  }

  /** False for what is no object. */
  get endsAsObject(): boolean {
    return this.bytes[this.end] === closingBrace;
  }

  /** The bytes as characters of one byte each, made when first asked for: to search, and to cut strings of, it is faster. */
  get latin1(): string {
    const latin1 = this.#latin1 ?? latin1At(this.bytes, 0, this.bytes.length);
    this.#latin1 = latin1;
    return latin1;
  }

  /** Each byte is a character; asked of the whole, since a view of a part costs more than looking at all. */
  get isAscii(): boolean {
    this.#isAscii ??= isAscii(this.bytes);
    return this.#isAscii;
  }

  /** A key may be written in more ways than one. */
  get hasUnicodeEscape(): boolean {
    this.#hasUnicodeEscape ??= this.latin1.includes('\\u');
    return this.#hasUnicodeEscape;
  }
}
