import { endAt, type JsonStep, placeAt, rawTextBehind } from './json-path.js';
import { rawTextAt } from './json-scalar.js';
import type { JsonText } from './json-text.js';
import { skipSpace } from './json-walk.js';

const comma = 0x2c;
const openingBracket = 0x5b;
const closingBracket = 0x5d;

/** Where the elements of one array stand in a text of valid JSON, found by one walk over it. */
export class JsonElements {
  /** Where each begins and ends, in turn. */
  readonly #places: readonly number[];

  private constructor(
    readonly text: JsonText,
    start: number,
  ) {
    this.#places = placesFrom(text, start);
  }

  /** Those of the array that the steps lead to from the value at `start`; undefined where there is none. */
  static behind(text: JsonText, start: number, steps: readonly JsonStep[]): JsonElements | undefined {
    const place = placeAt(text, start, steps);
    return text.bytes[place] === openingBracket ? new JsonElements(text, place) : undefined;
  }

  /** The same in a whole text. */
  static of(text: JsonText, steps: readonly JsonStep[]): JsonElements | undefined {
    return JsonElements.behind(text, skipSpace(text.bytes, 0), steps);
  }

  /** What the steps lead to within an element, counted from 0, as it stands in the text; `null` where there is none. */
  rawText(index: number, steps: readonly JsonStep[]): string {
    const start = this.#places[2 * index];
    if (start === undefined) return 'null';
    if (steps.length > 0) return rawTextBehind(this.text, start, steps);
    return rawTextAt(this.text, start, this.#places[2 * index + 1] as number);
  }

  /** The elements of the array that the steps lead to within an element; undefined where there is none. */
  within(index: number, steps: readonly JsonStep[]): JsonElements | undefined {
    const start = this.#places[2 * index];
    return start === undefined ? undefined : JsonElements.behind(this.text, start, steps);
  }
}

function placesFrom(text: JsonText, start: number): readonly number[] {
  const { bytes } = text;
  const places: number[] = [];
  let at = skipSpace(bytes, start + 1);
  if (bytes[at] === closingBracket) return places;
  for (;;) {
    const end = endAt(text, at);
    places.push(at, end);
    at = skipSpace(bytes, end);
    if (bytes[at] !== comma) return places;
    at = skipSpace(bytes, at + 1);
  }
}
