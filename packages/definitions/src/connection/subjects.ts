/** What is wrong with a subject pattern (NATS documentation, "Subject-Based Messaging"), or undefined. */
export function subjectProblem(subject: string, { wildcards }: { wildcards: boolean }): string | undefined {
  if (subject === '') return 'a subject must not be empty';
  if (/[\s\p{Cc}]/u.test(subject)) return 'a subject must not hold white space or control characters';
  const tokens = subject.split('.');
  if (tokens.includes('')) return 'a subject must not begin or end with a dot nor have two in a row';
  for (const [index, token] of tokens.entries()) {
    if (token === '*' || (token === '>' && index === tokens.length - 1)) {
      if (!wildcards) return 'wildcards are for reading; a subject that is published to must be exact';
    } else if (token === '>') {
      return 'the wildcard > must be the last token';
    } else if (token.includes('*') || token.includes('>')) {
      return 'the wildcards * and > stand for whole tokens';
    }
  }
  return undefined;
}

/** Says whether everything that matches `inner`, a subject or a pattern, also matches `outer`. */
export function covers(outer: string, inner: string): boolean {
  const wide = outer.split('.');
  const narrow = inner.split('.');
  for (let i = 0; ; i++) {
    const w = wide[i];
    const n = narrow[i];
    if (w === undefined || n === undefined) return w === n;
    if (w === '>') return true;
    if (n === '>' || (w !== '*' && w !== n)) return false;
  }
}

/** Says whether some subject matches both patterns. */
export function subjectsOverlap(a: string, b: string): boolean {
  const left = a.split('.');
  const right = b.split('.');
  for (let i = 0; ; i++) {
    const l = left[i];
    const r = right[i];
    if (l === undefined || r === undefined) return l === r;
    if (l === '>' || r === '>') return true;
    if (l !== r && l !== '*' && r !== '*') return false;
  }
}
