import type { Pick } from './rule.js';

/** From the finest on. */
const units = 'us ms seconds minutes hours days weeks months years decades centuries millennia'.split(' ');

/** A number with a fraction, which often ends halfway between two digits of a microsecond. */
const number = (pick: Pick): string => `${pick(2) ? '' : '-'}${pick(3) ? pick(100) : 0}.${digits(pick)}`;
const digits = (pick: Pick): string => `${'0'.repeat(pick(7))}${pick(10 ** (1 + pick(6)))}${pick(2) ? 5 : ''}`;

function interval(pick: Pick): string {
  const from = pick(units.length);
  const fields = units.slice(from, from + 1 + pick(2)).reverse();
  return fields.map((unit) => `${number(pick)} ${unit}`).join(' ') + (pick(4) ? '' : ' ago');
}

function isoInterval(pick: Pick): string {
  const part = (designator: string) => (pick(3) ? '' : number(pick) + designator);
  const date = ['Y', 'M', 'W', 'D'].map(part).join('');
  const time = ['H', 'M', 'S'].map(part).join('');
  return `P${date}${time === '' ? '' : 'T'}${date + time === '' ? '1.5D' : time}`;
}

const forms: readonly ((pick: Pick) => string)[] = [
  (pick) => `INTERVAL '${interval(pick)}'`,
  (pick) => `INTERVAL '${interval(pick)}'`,
  (pick) => `INTERVAL '${isoInterval(pick)}'`,
  (pick) => `INTERVAL '${pick(2) ? '' : '-'}${pick(30)}:${10 + pick(50)}:${10 + pick(50)}.${digits(pick)}'`,
  (pick) => `TIMESTAMP '2026-03-29 23:59:${10 + pick(50)}.${digits(pick)}'`,
  (pick) => `make_interval(1, 2, 3, 4, 5, 6, ${number(pick)})`,
  (pick) => `make_timestamp(2026, 3, 29, ${23 + pick(2)}, ${pick(2) * 59}, ${pick(3) ? number(pick) : 60.0000005})`,
  (pick) => `to_timestamp(${number(pick)})`,
];

/** A time or an interval that is made of fractions, the same for this dialect and for PostgreSQL. */
export const generateTimeFraction = (pick: Pick): string => (forms[pick(forms.length)] ?? interval)(pick);
