import type { Pick } from './rule.js';

const patterns =
  'YYYY Y,YYY YYY YY Y IYYY IYY IY I MM DD DDD IDDD WW IW W J Q CC RM rm HH HH12 HH24 MI SS MS US SSSS SSSSS FF1 FF2 FF3 FF4 FF5 FF6 AM PM am pm A.M. p.m. yyyy hh24 mi'.split(
    ' ',
  );
const ofTimes = 'MONTH Month month MON Mon mon DAY Day day DY Dy dy D ID BC AD b.c. a.d.'.split(' ');
const between = [' ', '-', ':', "''", '/', 'T', 'é', '"at"', '"\\"x"', '"\\\\"', '\\"', '\\', '\\\\', '\\x', '.', ','];

function template(names: readonly string[], pick: Pick): string {
  if (pick(100) === 0) return '';
  const some = (from: readonly string[], one: number) => (pick(one) === 0 ? (from[pick(from.length)] ?? '') : '');
  return Array.from(
    { length: 1 + pick(5) },
    () =>
      some(['FM', 'fm', 'TM'], 4) +
      (names[pick(names.length)] ?? '') +
      some(['th', 'TH'], 5) +
      some(between, 2) +
      some(['FM', 'TM'], 40),
  ).join('');
}

function interval(pick: Pick): string {
  const count = (most: number) => (pick(2) ? '' : '-') + String(pick(3) === 0 ? 0 : pick(10 ** (1 + pick(most))));
  const time = `${pick(3) === 0 ? '-' : ''}${pick(10 ** (1 + pick(4)))}:${10 + pick(50)}:${10 + pick(50)}.${pick(10 ** 6)}`;
  const days = `${count(5)} years ${count(2)} mons ${count(4)} days`;
  return [`${days} ${time}`, days, time, `${count(3)} mons`, `${count(2)} years`, '0'][pick(6)] ?? '0';
}

/** A call of to_char with a time or an interval, the same for this dialect and for PostgreSQL. */
export function generateTimeFormat(pick: Pick): string {
  const isInterval = pick(3) > 0;
  // What an interval has not is seldom asked of it: it fails.
  const names = isInterval && pick(20) > 0 ? patterns : [...patterns, ...ofTimes];
  const day = `${1000 + pick(3000)}-${10 + pick(3)}-${10 + pick(19)} ${10 + pick(14)}:${10 + pick(50)}:${10 + pick(50)}.${pick(10 ** 6)}`;
  const value = isInterval ? `INTERVAL '${interval(pick)}'` : `TIMESTAMP '${day}'`;
  return `to_char(${value}, '${template(names, pick)}')`;
}
