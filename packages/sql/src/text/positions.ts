/** Where an offset stands, for people: line and column from 1, offset from 0, all in code points. */
export interface Location {
  readonly line: number;
  readonly column: number;
  readonly offset: number;
  /** The line and, under it, a caret. */
  readonly excerpt: string;
}

const excerptWidthMax = 120;

/** Locates `offset`, in code points of `text`. */
export function locate(text: string, offset: number): Location {
  const before = [...text].slice(0, offset).join('');
  const lineStart = before.lastIndexOf('\n') + 1;
  const line = before.split('\n').length;
  const column = [...before.slice(lineStart)].length + 1;
  const lineEnd = text.indexOf('\n', lineStart);
  const whole = [
    ...text
      .slice(lineStart, lineEnd === -1 ? undefined : lineEnd)
      .replaceAll('\t', ' ')
      .replace('\r', ''),
  ];
  const from = Math.max(0, column - 1 - excerptWidthMax / 2);
  const shown = whole.slice(from, from + excerptWidthMax).join('');
  return { line, column, offset, excerpt: `${shown}\n${' '.repeat(column - 1 - from)}^` };
}

/** JavaScript's index (UTF-16) as an offset in code points. */
export const codePointOffset = (text: string, index: number): number => codePointOffsets(text)(index);

/** The same for many indices of one text. */
export function codePointOffsets(text: string): (index: number) => number {
  const pairs = Array.from(text.matchAll(/[\ud800-\udbff][\udc00-\udfff]/g), (match) => match.index + 1);
  return (index) => {
    const within = Math.min(index, text.length);
    let [low, high] = [0, pairs.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((pairs[middle] ?? 0) < within) low = middle + 1;
      else high = middle;
    }
    return within - low;
  };
}

/** Translates PostgreSQL's parse-tree locations, which are bytes of UTF-8, to JavaScript's indices. */
export function byteIndex(text: string): (byte: number) => number {
  if (!/[^\0-\x7f]/.test(text)) return (byte) => byte;
  const indexOfByte = new Map<number, number>();
  let byte = 0;
  for (let i = 0; i < text.length; ) {
    indexOfByte.set(byte, i);
    const code = text.codePointAt(i) ?? 0;
    byte += code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    i += code > 0xffff ? 2 : 1;
  }
  return (at) => indexOfByte.get(at) ?? text.length;
}
