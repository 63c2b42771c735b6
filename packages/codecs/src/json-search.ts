import { DecodeError } from './decode-error.js';
import { type FieldCandidates, FieldName } from './field.js';
import { jsonDepthMax } from './json.js';
import { valueAt } from './json-scalar.js';
import type { JsonText } from './json-text.js';
import { endOfValue, skipSpace } from './json-walk.js';

const colon = 0x3a;
/** A name that stands in more places is left to those who read the message whole. */
const placesMax = 4;
/** After so many messages it is settled anew by which of its characters a key is found. */
const searchesPerTuning = 4096;

/** By their names. */
const searches = new Map<string, WeakRef<JsonFieldSearch>>();
/** From so many on, those that no query holds any more are left out. */
const searchesMax = 1_000;

/**
 * Looks for a top-level field by the bytes of its key alone. A place where they stand may as well be deeper within the message, or in a string: what is found
 * are all values that the field can have. That is enough to say what it has not, and takes a fraction of the time of reading the message.
 */
export class JsonFieldSearch implements FieldCandidates {
  /** The values of the last search: undefined, for a message without the field, and after it what stands in each place. The first `count` count. */
  readonly values: unknown[] = [undefined];
  count = 1;
  readonly name: FieldName;
  /** The value that the field has in a message that was read instead. */
  readonly exact: FieldCandidates & { readonly values: unknown[] } = { values: [undefined], count: 1 };
  /** The key in its quotes. */
  readonly #key: string;
  /** What is looked for is the key from here on: its rarest character is found soonest. */
  #from = 0;
  #needle = '';
  #searches = 0;
  #text = 0;
  #isFound = false;
  #asked = 0;

  private constructor(name: string) {
    this.name = new FieldName(name);
    this.#key = `"${Buffer.from(name, 'utf8').toString('latin1')}"`;
  }

  /** The search for a name, the same for all queries that look for it, so that a message is searched once. */
  static of(name: string): JsonFieldSearch {
    const known = searches.get(name)?.deref();
    if (known) return known;
    if (searches.size >= searchesMax)
      for (const [other, search] of searches) if (!search.deref()) searches.delete(other);
    const search = new JsonFieldSearch(name);
    searches.set(name, new WeakRef(search));
    return search;
  }

  /** Whether a key of this name has no other spelling than its own and one with `\u`. */
  static canFind(name: string): boolean {
    return name !== '' && !/["\\/\p{Cc}\p{Cs}]/u.test(name);
  }

  /** Fills `values`. False where there may be others, or what is found is no JSON. Asked again for the same text it knows. */
  search(text: JsonText): boolean {
    if (this.#text !== text.id) {
      this.#text = text.id;
      this.#isFound = text.endsAsObject && !text.hasUnicodeEscape && this.#search(text);
    }
    return this.#isFound;
  }

  /** Whether nobody has asked for it in this text before. */
  isFirstIn(text: JsonText): boolean {
    const isFirst = this.#asked !== text.id;
    this.#asked = text.id;
    return isFirst;
  }

  #search(text: JsonText): boolean {
    const { bytes, latin1, end } = text;
    if (this.#searches++ % searchesPerTuning === 0) this.#tune(latin1);
    const from = this.#from;
    const key = this.#key;
    const needle = this.#needle;
    this.count = 1;
    for (let at = latin1.indexOf(needle); at !== -1; at = latin1.indexOf(needle, at + needle.length - 1)) {
      if (from > 0 && !latin1.startsWith(key, at - from)) continue;
      const afterKey = skipSpace(bytes, at + needle.length);
      if (bytes[afterKey] !== colon) continue;
      const start = skipSpace(bytes, afterKey + 1);
      const valueEnd = endOfValue(bytes, start, end, jsonDepthMax - 1);
      if (valueEnd < 0 || this.count > placesMax || !this.#take(text, start, valueEnd)) return false;
    }
    return true;
  }

  #tune(latin1: string): void {
    this.#from = rarest(this.#key, latin1);
    this.#needle = this.#key.slice(this.#from);
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

/** Where the character of a key stands that is the rarest in a message; not its closing quote. */
function rarest(key: string, latin1: string): number {
  const counts = new Uint32Array(256);
  for (let i = 0; i < latin1.length; i++) {
    const code = latin1.charCodeAt(i);
    counts[code] = (counts[code] as number) + 1;
  }
  let best = 0;
  for (let i = 1; i < key.length - 1; i++)
    if ((counts[key.charCodeAt(i)] as number) < (counts[key.charCodeAt(best)] as number)) best = i;
  return best;
}
