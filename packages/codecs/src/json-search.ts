import { DecodeError } from './decode-error.js';
import { jsonDepthMax } from './json.js';
import { valueAt } from './json-scalar.js';
import type { JsonText } from './json-text.js';
import { endOfValue, skipSpace } from './json-walk.js';

const quote = 0x22;
const colon = 0x3a;
/** A name that stands in more places is left to those who read the message whole. */
const placesMax = 4;

/**
 * Looks for a top-level field by the bytes of its key alone. A place where they stand may as well be deeper within the message, or in a string: what is found
 * are all values that the field can have. That is enough to say what it has not, and takes a fraction of the time of reading the message.
 */
export class JsonFieldSearch {
  /** The values of the last search: undefined, for a message without the field, and after it what stands in each place. The first `count` count. */
  readonly values: unknown[] = [undefined];
  count = 1;
  /** The key up to its closing quote. Without the opening one, which is the most frequent byte of all, it is found sooner. */
  readonly #needle: string;
  #text: JsonText | undefined;
  #isFound = false;

  constructor(name: string) {
    this.#needle = `${Buffer.from(name, 'utf8').toString('latin1')}"`;
  }

  /** Whether a key of this name has no other spelling than its own and one with `\u`. */
  static canFind(name: string): boolean {
    return name !== '' && !/["\\/\p{Cc}\p{Cs}]/u.test(name);
  }

  /** Fills `values`. False where there may be others, or what is found is no JSON. Asked again for the same text it knows. */
  search(text: JsonText): boolean {
    if (this.#text !== text) {
      this.#text = text;
      this.#isFound = text.endsAsObject && !text.hasUnicodeEscape && this.#search(text);
    }
    return this.#isFound;
  }

  /** Lets go of the message, which may be a part of something much larger. */
  forget(): void {
    this.#text = undefined;
  }

  #search(text: JsonText): boolean {
    const { bytes, latin1, end } = text;
    const needle = this.#needle;
    this.count = 1;
    for (let at = latin1.indexOf(needle); at !== -1; at = latin1.indexOf(needle, at + needle.length)) {
      if (bytes[at - 1] !== quote) continue;
      const afterKey = skipSpace(bytes, at + needle.length);
      if (bytes[afterKey] !== colon) continue;
      const start = skipSpace(bytes, afterKey + 1);
      const valueEnd = endOfValue(bytes, start, end, jsonDepthMax - 1);
      if (valueEnd < 0 || this.count > placesMax || !this.#take(text, start, valueEnd)) return false;
    }
    return true;
  }

  #take(text: JsonText, start: number, end: number): boolean {
    try {
      this.values[this.count] = valueAt(text, start, end);
      this.count++;
      return true;
    } catch (error) {
      if (error instanceof DecodeError) return false;
      throw error;
    }
  }
}
