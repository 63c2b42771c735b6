import { trimmed } from './white-space.js';

/** A value of an array type: one dimension, NULL elements are null. */
export type ArrayValue = readonly unknown[];

/** The elements of PostgreSQL's array text, `{a,"b c",NULL}`, or undefined where it is none (https://www.postgresql.org/docs/18/arrays.html#ARRAYS-IO). */
export function parseArrayText(text: string): readonly (string | null)[] | undefined {
  const written = trimmed(text);
  if (!written.startsWith('{') || !written.endsWith('}')) return undefined;
  const inner = written.slice(1, -1);
  if (trimmed(inner) === '') return [];
  const elements: (string | null)[] = [];
  const element = /[ \t-\r]*(?:"((?:[^"\\]|\\.)*)"|((?:[^",{}\\]|\\.)+))[ \t-\r]*(,|$)/sy;
  for (;;) {
    const match = element.exec(inner);
    if (!match) return undefined;
    const [, quoted, bare, separator] = match;
    if (quoted !== undefined) elements.push(unescaped(quoted));
    else {
      const plain = trimmed(bare ?? '');
      if (plain === '') return undefined;
      elements.push(plain.toUpperCase() === 'NULL' ? null : unescaped(plain));
    }
    if (separator === '') return elements;
  }
}

const unescaped = (text: string): string => text.replace(/\\(.)/gs, '$1');

const needsQuotes = /[{},"\\ \t-\r]|^$|^null$/i;

/** PostgreSQL's text of an array. */
export function arrayText(elements: ArrayValue, textOf: (element: unknown) => string): string {
  const texts = elements.map((element) => {
    if (element === null || element === undefined) return 'NULL';
    const text = textOf(element);
    return needsQuotes.test(text) ? `"${text.replace(/["\\]/g, '\\$&')}"` : text;
  });
  return `{${texts.join(',')}}`;
}
