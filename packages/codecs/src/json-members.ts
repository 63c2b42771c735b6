import type { FieldName } from './field.js';
import { jsonDepthMax } from './json.js';
import { valueAt } from './json-scalar.js';
import type { JsonText } from './json-text.js';
import { endOfPlainText, endOfString, endOfValue, skipSpace } from './json-walk.js';

/** An object with more members is walked for each that is looked for. */
const membersMax = 64;
const comma = 0x2c;
const backslash = 0x5c;
const closingBrace = 0x7d;

/** Finds members of one object of valid JSON after the other. Several of the same object cost one walk over it. */
export class JsonMembers {
  #text: JsonText | undefined;
  #start = -1;
  /** How many members the object has. */
  #count = 0;
  readonly #keyStarts = new Int32Array(membersMax);
  /** Of a key with an escape it has its sign turned. */
  readonly #keyEnds = new Int32Array(membersMax);
  readonly #valueStarts = new Int32Array(membersMax);

  /** Where the value of a member begins of the object at `start`, of duplicate keys that of the last; -1 where there is none. */
  find(text: JsonText, start: number, name: FieldName): number {
    if (this.#text !== text || this.#start !== start || this.#count > membersMax) return this.#walk(text, start, name);
    for (let member = this.#count - 1; member >= 0; member--) {
      if (isKey(text, this.#keyStarts[member] as number, this.#keyEnds[member] as number, name))
        return this.#valueStarts[member] as number;
    }
    return -1;
  }

  #walk(text: JsonText, start: number, name: FieldName): number {
    const { bytes, end } = text;
    const [keyStarts, keyEnds, valueStarts] = [this.#keyStarts, this.#keyEnds, this.#valueStarts];
    let found = -1;
    let count = 0;
    let at = skipSpace(bytes, start + 1);
    if (bytes[at] !== closingBrace) {
      for (;;) {
        const key = at;
        at = endOfPlainText(bytes, key + 1, end);
        const hasEscape = bytes[at] === backslash;
        at = hasEscape ? endOfString(bytes, key, end) : at + 1;
        const keyEnd = hasEscape ? -at : at;
        at = skipSpace(bytes, skipSpace(bytes, at) + 1);
        if (count < membersMax) {
          keyStarts[count] = key;
          keyEnds[count] = keyEnd;
          valueStarts[count] = at;
        }
        count++;
        if (isKey(text, key, keyEnd, name)) found = at;
        at = skipSpace(bytes, endOfValue(bytes, at, end, jsonDepthMax));
        if (bytes[at] !== comma) break;
        at = skipSpace(bytes, at + 1);
      }
    }
    this.#text = text;
    this.#start = start;
    this.#count = count;
    return found;
  }
}

/** Whether a key in its quotes is the name. */
function isKey(text: JsonText, start: number, end: number, { text: name, bytes }: FieldName): boolean {
  if (end < 0) return valueAt(text, start, -end) === name;
  if (bytes === undefined || end - start !== bytes.length + 2) return false;
  let i = 0;
  while (i < bytes.length && text.bytes[start + 1 + i] === bytes[i]) i++;
  return i === bytes.length;
}
