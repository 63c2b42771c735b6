import { isUtf8 } from 'node:buffer';
import type { FieldCandidates, FieldName } from './field.js';
import { jsonDepthMax } from './json.js';
import { JsonElements } from './json-elements.js';
import { type JsonStep, rawTextBehind } from './json-path.js';
import { canonicalTextAt, rawTextAt, valueAt, writtenAt } from './json-scalar.js';
import type { JsonFieldSearch } from './json-search.js';
import type { JsonText } from './json-text.js';
import { endOfPlainText, endOfValue, skipSpace } from './json-walk.js';

/** Where more fields than that are searched for in each message, and it is small, it is quicker to read it once. */
const searchesMax = 3;
const smallBytesMax = 1024;

/** Objects with more members are read whole. */
const membersMax = 256;
const quote = 0x22;
const comma = 0x2c;
const colon = 0x3a;
const openingBrace = 0x7b;

/**
 * Where the members of one JSON object stand in its bytes, so that single fields are read without making values of the others. The message is looked at once
 * and whole. It is used again for the next message.
 */
export class JsonFields {
  #text: JsonText | undefined;
  #isRead = false;
  #count = 0;
  /** How many fields were searched for in the message at hand, and in the one before. */
  #searched = 0;
  #searches = 0;
  #searchesBefore = 0;
  readonly #keyStarts = new Int32Array(membersMax);
  readonly #keyEnds = new Int32Array(membersMax);
  readonly #valueStarts = new Int32Array(membersMax);
  readonly #valueEnds = new Int32Array(membersMax);

  /**
   * Takes the message; asked again for the same one it knows. True only for an object that `parseJson` reads; false for all others, and where that is not
   * plain to see: a key has an escape, or there are many members.
   */
  read(text: JsonText): boolean {
    if (this.#text !== text) {
      this.#text = text;
      this.#isRead = text.endsAsObject && this.#walk(text) && (text.isAscii || isUtf8(text.bytes));
    }
    return this.#isRead;
  }

  /** Whether this is the message that was read last. */
  holds(text: JsonText): boolean {
    return this.#text === text;
  }

  /** The value that a field has of a message that was read; undefined where that is not to be had, or searching for it is quicker. */
  exactly(text: JsonText, search: JsonFieldSearch): FieldCandidates | undefined {
    if (this.#searched !== text.id) {
      this.#searched = text.id;
      this.#searchesBefore = this.#searches;
      this.#searches = 0;
    }
    if (search.isFirstIn(text)) this.#searches++;
    const isWanted = this.#searchesBefore > searchesMax && text.bytes.length <= smallBytesMax;
    if (!(isWanted || this.#text === text) || !this.read(text)) return undefined;
    search.exact.values[0] = this.value(search.name);
    return search.exact;
  }

  /** How many members the message has, duplicate keys counted each. */
  get count(): number {
    return this.#count;
  }

  /** The field's value, the same as of the message read whole; undefined where there is none. */
  value(name: FieldName): unknown {
    const text = this.#text;
    const member = text ? this.#find(text.bytes, name) : -1;
    if (!text || member === -1) return undefined;
    return valueAt(text, this.#valueStarts[member] as number, this.#valueEnds[member] as number);
  }

  /** The field's value with its numbers as the texts that they are written in; undefined where there is none. */
  written(name: FieldName): unknown {
    const text = this.#text;
    const member = text ? this.#find(text.bytes, name) : -1;
    if (!text || member === -1) return undefined;
    return writtenAt(text, this.#valueStarts[member] as number, this.#valueEnds[member] as number);
  }

  /** What `stringifyJson` would write for the field, where it stands so in the message and has ASCII alone; undefined elsewhere. */
  canonicalText(name: FieldName): string | undefined {
    const text = this.#text;
    const member = text ? this.#find(text.bytes, name) : -1;
    if (!text || member === -1) return 'null';
    return canonicalTextAt(text, this.#valueStarts[member] as number, this.#valueEnds[member] as number);
  }

  /** The field as it stands in the message; `null` where there is none. */
  rawText(name: FieldName): string {
    const text = this.#text;
    const member = text ? this.#find(text.bytes, name) : -1;
    if (!text || member === -1) return 'null';
    return rawTextAt(text, this.#valueStarts[member] as number, this.#valueEnds[member] as number);
  }

  /** What the steps lead to within the field, as it stands in the message; `null` where there is none. */
  rawTextWithin(name: FieldName, steps: readonly JsonStep[]): string {
    const text = this.#text;
    const member = text ? this.#find(text.bytes, name) : -1;
    if (!text || member === -1) return 'null';
    return rawTextBehind(text, this.#valueStarts[member] as number, steps);
  }

  /** Where the elements of the array stand that the steps lead to within the field; undefined where there is none. */
  elements(name: FieldName, steps: readonly JsonStep[]): JsonElements | undefined {
    const text = this.#text;
    const member = text ? this.#find(text.bytes, name) : -1;
    if (!text || member === -1) return undefined;
    return JsonElements.behind(text, this.#valueStarts[member] as number, steps);
  }

  #walk({ bytes, end }: JsonText): boolean {
    this.#count = 0;
    let at = skipSpace(bytes, 0);
    if (at === end || bytes[at] !== openingBrace) return false;
    at = skipSpace(bytes, at + 1);
    if (at === end) return true;
    for (let member = 0; member < membersMax; member++) {
      if (bytes[at] !== quote) return false;
      const keyEnd = endOfPlainText(bytes, at + 1, end);
      if (keyEnd < 0 || bytes[keyEnd] !== quote) return false;
      this.#keyStarts[member] = at + 1;
      this.#keyEnds[member] = keyEnd;
      at = skipSpace(bytes, keyEnd + 1);
      if (bytes[at] !== colon) return false;
      at = skipSpace(bytes, at + 1);
      this.#valueStarts[member] = at;
      at = endOfValue(bytes, at, end, jsonDepthMax - 1);
      if (at < 0) return false;
      this.#valueEnds[member] = at;
      this.#count = member + 1;
      at = skipSpace(bytes, at);
      if (bytes[at] !== comma) return at === end;
      at = skipSpace(bytes, at + 1);
    }
    return false;
  }

  /** The last of duplicate keys counts. */
  #find(bytes: Uint8Array, { bytes: name }: FieldName): number {
    if (name === undefined) return -1;
    for (let member = this.#count - 1; member >= 0; member--) {
      const start = this.#keyStarts[member] as number;
      if ((this.#keyEnds[member] as number) - start !== name.length) continue;
      let i = 0;
      while (i < name.length && bytes[start + i] === name[i]) i++;
      if (i === name.length) return member;
    }
    return -1;
  }
}
