import type { FieldName } from './field.js';
import { jsonDepthMax } from './json.js';
import { JsonMembers } from './json-members.js';
import { rawTextAt } from './json-scalar.js';
import type { JsonText } from './json-text.js';
import { endOfValue, skipSpace } from './json-walk.js';

/** One step into a value of JSON. What it has no way into leads nowhere. */
export interface JsonStep {
  /** Into an object. */
  readonly member: FieldName | undefined;
  /** Into an array: counts from 0, negative from the end. */
  readonly element: number | undefined;
  /** Whether a scalar is where it leads to itself. */
  readonly keepsScalar: boolean;
}

const comma = 0x2c;
const openingBrace = 0x7b;
const openingBracket = 0x5b;
const closingBracket = 0x5d;

/** Paths of one query often begin alike: what was seen at the first step stays known beside what is seen behind it. */
const firstMembers = new JsonMembers();
const innerMembers = new JsonMembers();

/** Where the value begins that the steps lead to from the one at `start`, which is valid JSON; -1 where they lead nowhere. */
export function placeAt(text: JsonText, start: number, steps: readonly JsonStep[]): number {
  let at = start;
  let members = firstMembers;
  for (const { member, element, keepsScalar } of steps) {
    const first = text.bytes[at];
    if (first === openingBrace) at = member === undefined ? -1 : members.find(text, at, member);
    else if (first === openingBracket) at = element === undefined ? -1 : elementAt(text, at, element);
    else if (!keepsScalar) return -1;
    if (at === -1) return -1;
    members = innerMembers;
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
  const place = placeAt(text, start, steps);
  if (place === -1) return 'null';
  // What has nothing around it ends with the text.
  return rawTextAt(text, place, place === start ? text.end + 1 : endAt(text, place));
}

/** The end of a valid value. */
export const endAt = ({ bytes, end }: JsonText, start: number): number => endOfValue(bytes, start, end, jsonDepthMax);

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
