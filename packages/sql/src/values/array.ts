/** A value of an array type: one dimension, NULL elements are null. */
export type ArrayValue = readonly unknown[];

/** The elements of PostgreSQL's array text, `{a,"b c",NULL}`, or undefined where it is none (https://www.postgresql.org/docs/18/arrays.html#ARRAYS-IO). */
export function parseArrayText(text: string): readonly (string | null)[] | undefined {
  const trimmed = text.trim();
  if (!trimmed.startsWith('{') || !trimmed.endsWith('}')) return undefined;
  const inner = trimmed.slice(1, -1);
  if (inner.trim() === '') return [];
  const elements: (string | null)[] = [];
  const element = /\s*(?:"((?:[^"\\]|\\.)*)"|((?:[^",{}\\]|\\.)+))\s*(,|$)/sy;
  for (;;) {
    const match = element.exec(inner);
    if (!match) return undefined;
    const [, quoted, bare, separator] = match;
    if (quoted !== undefined) elements.push(unescaped(quoted));
    else {
      const plain = (bare ?? '').trim();
      if (plain === '') return undefined;
      elements.push(plain.toUpperCase() === 'NULL' ? null : unescaped(plain));
    }
    if (separator === '') return elements;
  }
}

const unescaped = (text: string): string => text.replace(/\\(.)/gs, '$1');

const needsQuotes = /[{},"\\\s]|^$|^null$/i;

/** PostgreSQL's text of an array. */
export function arrayText(elements: ArrayValue, textOf: (element: unknown) => string): string {
  const texts = elements.map((element) => {
    if (element === null || element === undefined) return 'NULL';
    const text = textOf(element);
    return needsQuotes.test(text) ? `"${text.replace(/["\\]/g, '\\$&')}"` : text;
  });
  return `{${texts.join(',')}}`;
}
