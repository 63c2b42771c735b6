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
