import { RowError } from '../errors.js';
import type { ArrayValue } from '../values/array.js';
import { joinTexts } from '../values/text.js';
import { define, type FunctionSection, takes } from './definition.js';

/** How the functions of arrays compare elements is given by the element type, so that the binder hands it in as the last argument. */
type Equality = (a: unknown, b: unknown) => boolean;

const isNull = (value: unknown): value is null | undefined => value === null || value === undefined;
const same = (equal: Equality, a: unknown, b: unknown) =>
  isNull(a) || isNull(b) ? isNull(a) && isNull(b) : equal(a, b);

const oneDimension = (dimension: number, value: () => number): number | null => (dimension === 1 ? value() : null);

/** Functions that compare elements; the binder puts the equality of the element type before the arguments. */
export const comparingElements: ReadonlySet<string> = new Set([
  'array_position',
  'array_positions',
  'array_remove',
  'array_replace',
]);

export const arrayFunctions: FunctionSection = {
  title: 'Arrays',
  functions: [
    define(
      'array_length',
      'How many elements the dimension 1 has; NULL of an empty array.',
      ['array_length(ARRAY[1, 2, 3], 1)', '3'],
      [
        takes(['ANY_ARRAY', 'INTEGER'], 'INTEGER', (array: ArrayValue, dimension: number) =>
          array.length === 0 ? null : oneDimension(dimension, () => array.length),
        ),
      ],
    ),
    define(
      'cardinality',
      'How many elements; 0 of an empty array.',
      ['cardinality(ARRAY[1, 2, 3])', '3'],
      [takes(['ANY_ARRAY'], 'INTEGER', (array: ArrayValue) => array.length)],
    ),
    define(
      'array_ndims',
      'How many dimensions: 1, or NULL of an empty array.',
      ['array_ndims(ARRAY[1, 2])', '1'],
      [takes(['ANY_ARRAY'], 'INTEGER', (array: ArrayValue) => (array.length === 0 ? null : 1))],
    ),
    define(
      'array_lower',
      'The place of the first element, which is 1.',
      ['array_lower(ARRAY[5, 6], 1)', '1'],
      [
        takes(['ANY_ARRAY', 'INTEGER'], 'INTEGER', (array: ArrayValue, dimension: number) =>
          array.length === 0 ? null : oneDimension(dimension, () => 1),
        ),
      ],
    ),
    define(
      'array_upper',
      'The place of the last element.',
      ['array_upper(ARRAY[5, 6], 1)', '2'],
      [
        takes(['ANY_ARRAY', 'INTEGER'], 'INTEGER', (array: ArrayValue, dimension: number) =>
          array.length === 0 ? null : oneDimension(dimension, () => array.length),
        ),
      ],
    ),
    define(
      'array_append',
      'With an element behind the others.',
      ['array_append(ARRAY[1, 2], 3)', '[1,2,3]'],
      [
        takes(
          ['ANY_ARRAY', 'ELEMENT'],
          'ANY_ARRAY',
          (array: ArrayValue | null, element: unknown) => [...(array ?? []), element ?? null],
          { strict: false, builds: true },
        ),
      ],
    ),
    define(
      'array_prepend',
      'With an element before the others.',
      ['array_prepend(1, ARRAY[2, 3])', '[1,2,3]'],
      [
        takes(
          ['ELEMENT', 'ANY_ARRAY'],
          'ANY_ARRAY',
          (element: unknown, array: ArrayValue | null) => [element ?? null, ...(array ?? [])],
          { strict: false, builds: true },
        ),
      ],
    ),
    define(
      'array_cat',
      'One array behind the other; `||` is the same.',
      ['array_cat(ARRAY[1, 2], ARRAY[3])', '[1,2,3]'],
      [
        takes(
          ['ANY_ARRAY', 'ANY_ARRAY'],
          'ANY_ARRAY',
          (a: ArrayValue | null, b: ArrayValue | null) => (isNull(a) ? (b ?? null) : isNull(b) ? a : [...a, ...b]),
          { strict: false, builds: true },
        ),
      ],
    ),
    define(
      'array_position',
      'Where an element stands first, from 1; NULL where it does not.',
      ["array_position(ARRAY['sun', 'mon'], 'mon')", '2'],
      [
        takes(
          ['ANY_ARRAY', 'ELEMENT', 'INTEGER'],
          'INTEGER',
          (equal: Equality, array: ArrayValue | null, element: unknown, from?: number | null) => {
            // PostgreSQL looks at the place last.
            if (isNull(array) || array.length === 0 || (isNull(element) && !array.some(isNull))) return null;
            if (from === null) throw new RowError('invalid_argument', 'the place to begin at is NULL');
            const at = array.findIndex((item, i) => i + 1 >= (from ?? 1) && same(equal, item, element));
            return at === -1 ? null : at + 1;
          },
          { optional: 1, strict: false },
        ),
      ],
    ),
    define(
      'array_positions',
      'Every place at which an element stands.',
      ["array_positions(ARRAY['a', 'b', 'a'], 'a')", '[1,3]'],
      [
        takes(
          ['ANY_ARRAY', 'ELEMENT'],
          'INTEGER[]',
          (equal: Equality, array: ArrayValue | null, element: unknown) =>
            isNull(array) ? null : array.flatMap((item, i) => (same(equal, item, element) ? [i + 1] : [])),
          { strict: false },
        ),
      ],
    ),
    define(
      'array_remove',
      'Without the elements that are equal to one.',
      ['array_remove(ARRAY[1, 2, 1], 1)', '[2]'],
      [
        takes(
          ['ANY_ARRAY', 'ELEMENT'],
          'ANY_ARRAY',
          (equal: Equality, array: ArrayValue | null, element: unknown) =>
            isNull(array) ? null : array.filter((item) => !same(equal, item, element)),
          { strict: false },
        ),
      ],
    ),
    define(
      'array_replace',
      'With each element that is equal to one replaced by another.',
      ['array_replace(ARRAY[1, 2, 1], 1, 9)', '[9,2,9]'],
      [
        takes(
          ['ANY_ARRAY', 'ELEMENT', 'ELEMENT'],
          'ANY_ARRAY',
          (equal: Equality, array: ArrayValue | null, from: unknown, to: unknown) =>
            isNull(array) ? null : array.map((item) => (same(equal, item, from) ? (to ?? null) : item)),
          { strict: false, builds: true },
        ),
      ],
    ),
    define(
      'array_to_string',
      'The texts of the elements with a text between them; NULLs are left out, or are the third argument.',
      ["array_to_string(ARRAY[1, NULL, 3], ',', '*')", '"1,*,3"'],
      [
        takes(
          ['TEXT[]', 'TEXT', 'TEXT'],
          'TEXT',
          (array: ArrayValue | null, separator: string | null, nullText?: string | null) => {
            if (isNull(array) || isNull(separator)) return null;
            const texts = array.map((item) => item ?? nullText).filter((item) => !isNull(item)) as string[];
            return joinTexts(texts, separator);
          },
          { optional: 1, strict: false },
        ),
      ],
    ),
    define(
      'string_to_array',
      'The parts of a text that a delimiter divides, each character where it is NULL; what equals the third argument is NULL.',
      ["string_to_array('a,b,,c', ',', '')", '["a","b",null,"c"]'],
      [
        takes(
          ['TEXT', 'TEXT', 'TEXT'],
          'TEXT[]',
          (text: string | null, delimiter: string | null, nullText?: string | null) => {
            if (isNull(text)) return null;
            const parts =
              text === '' ? [] : isNull(delimiter) ? [...text] : delimiter === '' ? [text] : text.split(delimiter);
            return parts.map((part) => (!isNull(nullText) && part === nullText ? null : part));
          },
          { optional: 1, strict: false },
        ),
      ],
    ),
    define(
      'trim_array',
      'Without the last n elements.',
      ['trim_array(ARRAY[1, 2, 3], 2)', '[1]'],
      [
        takes(['ANY_ARRAY', 'INTEGER'], 'ANY_ARRAY', (array: ArrayValue, count: number) => {
          if (count < 0 || count > array.length)
            throw new RowError('invalid_argument', 'trim_array takes away 0 to all elements');
          return array.slice(0, array.length - count);
        }),
      ],
    ),
    define(
      'array_reverse',
      'The elements in reverse order.',
      ['array_reverse(ARRAY[1, 2, 3])', '[3,2,1]'],
      [takes(['ANY_ARRAY'], 'ANY_ARRAY', (array: ArrayValue) => [...array].reverse())],
    ),
  ],
};
