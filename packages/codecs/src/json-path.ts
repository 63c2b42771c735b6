import type { FieldName } from './field.js';
import { jsonDepthMax } from './json.js';
import { rawTextAt, valueAt } from './json-scalar.js';
import type { JsonText } from './json-text.js';
import { endOfString, endOfValue, skipSpace } from './json-walk.js';

/** One step into a value of JSON. What it has no way into leads nowhere. */
export interface JsonStep {
  /** Into an object. */
  readonly member: FieldName | undefined;
  /** Into an array: counts from 0, negative from the end. */
  readonly element: number | undefined;
}

const comma = 0x2c;
const backslash = 0x5c;
const openingBrace = 0x7b;
const closingBrace = 0x7d;
const openingBracket = 0x5b;
const closingBracket = 0x5d;

/** Where the value begins that the steps lead to from the one at `start`, which is valid JSON; -1 where they lead nowhere. */
function placeAt(text: JsonText, start: number, steps: readonly JsonStep[]): number {
  let at = start;
  for (const { member, element } of steps) {
    const first = text.bytes[at];
    if (first === openingBrace) at = member === undefined ? -1 : memberAt(text, at, member);
    else at = first === openingBracket && element !== undefined ? elementAt(text, at, element) : -1;
    if (at === -1) return -1;
  }
  return at;
}

/** The text of that value, as it stands in the message; `null` where there is none. */
export function rawTextBehind(text: JsonText, start: number, steps: readonly JsonStep[]): string {
  const place = placeAt(text, start, steps);
  return place === -1 ? 'null' : rawTextAt(text, place, endAt(text, place));
}

/** The same of a whole text, which is valid JSON of any kind. */
export function rawTextOf(text: JsonText, steps: readonly JsonStep[]): string {
  const start = skipSpace(text.bytes, 0);
  return steps.length === 0 ? rawTextAt(text, start, text.end + 1) : rawTextBehind(text, start, steps);
}

/** The end of a valid value. */
const endAt = ({ bytes, end }: JsonText, start: number): number => endOfValue(bytes, start, end, jsonDepthMax);

/** The last of duplicate keys counts. */
function memberAt(text: JsonText, start: number, name: FieldName): number {
  const { bytes, end } = text;
  let found = -1;
  let at = skipSpace(bytes, start + 1);
  if (bytes[at] === closingBrace) return -1;
  for (;;) {
    const keyEnd = endOfString(bytes, at, end);
    const value = skipSpace(bytes, skipSpace(bytes, keyEnd) + 1);
    if (isKey(text, at, keyEnd, name)) found = value;
    at = skipSpace(bytes, endAt(text, value));
    if (bytes[at] !== comma) return found;
    at = skipSpace(bytes, at + 1);
  }
}

/** Whether a key in its quotes is the name; it may be written with escapes. */
function isKey(text: JsonText, start: number, end: number, name: FieldName): boolean {
  const { bytes } = text;
  const written = bytes.subarray(start + 1, end - 1);
  if (written.includes(backslash)) return valueAt(text, start, end) === name.text;
  return name.bytes !== undefined && Buffer.compare(written, name.bytes) === 0;
}

function elementAt(text: JsonText, start: number, index: number): number {
  const places = index < 0 ? lengthAt(text, start) + index : index;
  const { bytes } = text;
  let at = skipSpace(bytes, start + 1);
  if (places < 0 || bytes[at] === closingBracket) return -1;
  for (let place = 0; place < places; place++) {
    at = skipSpace(bytes, endAt(text, at));
    if (bytes[at] !== comma) return -1;
    at = skipSpace(bytes, at + 1);
  }
  return at;
}

function lengthAt(text: JsonText, start: number): number {
  const { bytes } = text;
  let at = skipSpace(bytes, start + 1);
  if (bytes[at] === closingBracket) return 0;
  for (let length = 1; ; length++) {
    at = skipSpace(bytes, endAt(text, at));
    if (bytes[at] !== comma) return length;
    at = skipSpace(bytes, at + 1);
  }
}
