/** What tells whether a text is LIKE a pattern that is known beforehand: without `_` and escapes, and with few `%`, it is plain comparing. */
export function likeMatcher(pattern: string): (text: string) => boolean {
  // `%` stands for whole characters, so that a lone half of one is for the general way.
  if (/[_\\\p{Cs}]/u.test(pattern)) return (text) => like(text, pattern);
  const [head = '', middle, tail, ...more] = pattern.split('%');
  if (middle === undefined) return (text) => text === head;
  if (tail === undefined)
    return (text) => text.length >= head.length + middle.length && text.startsWith(head) && text.endsWith(middle);
  if (head === '' && tail === '' && more.length === 0) return (text) => text.includes(middle);
  return (text) => like(text, pattern);
}

/**
 * SQL's LIKE without a regular expression: two pointers and one point to come back to, so that no pattern takes more than
 * (text × pattern) steps. `%` is any run, `_` any one character, `escapeCharacter` makes the next character itself.
 */
export function like(text: string, pattern: string, escapeCharacter = '\\'): boolean {
  let t = 0;
  let p = 0;
  let starPattern = -1;
  let starText = 0;
  while (t < text.length) {
    const wanted = pattern[p];
    if (wanted === '%') {
      starPattern = p++;
      starText = t;
      continue;
    }
    if (wanted === '_') {
      t += characterLength(text, t);
      p++;
      continue;
    }
    const escaped = wanted === escapeCharacter && p + 1 < pattern.length;
    if (wanted !== undefined && text[t] === (escaped ? pattern[p + 1] : wanted)) {
      t++;
      p += escaped ? 2 : 1;
      continue;
    }
    if (starPattern === -1) return false;
    p = starPattern + 1;
    starText += characterLength(text, starText);
    t = starText;
  }
  while (pattern[p] === '%') p++;
  return p === pattern.length;
}

const characterLength = (text: string, at: number): number => ((text.codePointAt(at) ?? 0) > 0xffff ? 2 : 1);
