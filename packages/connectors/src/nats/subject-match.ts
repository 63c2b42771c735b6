/** Whether a pattern matches every subject that `subject`, which may be a pattern too, stands for. */
export function covers(pattern: string, subject: string): boolean {
  const wanted = subject.split('.');
  const given = pattern.split('.');
  for (const [i, token] of given.entries()) {
    if (token === '>') return wanted.length > i;
    const other = wanted[i];
    if (other === undefined || other === '>' || (token !== '*' && token !== other)) return false;
  }
  return given.length === wanted.length;
}

/** Whether there is a subject that both patterns match. */
export function overlaps(a: string, b: string): boolean {
  const left = a.split('.');
  const right = b.split('.');
  for (let i = 0; i < Math.max(left.length, right.length); i++) {
    const [x, y] = [left[i], right[i]];
    if (x === undefined || y === undefined) return false;
    if (x === '>' || y === '>') return true;
    if (x !== '*' && y !== '*' && x !== y) return false;
  }
  return true;
}
