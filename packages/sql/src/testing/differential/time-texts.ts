import type { Pick } from './rule.js';

/** Texts of times and dates in ISO 8601, and near misses of them. */

const oneOf = <T>(pick: Pick, from: readonly T[]): T => from[pick(from.length)] as T;

/** Mostly two digits up to `max`. */
function two(pick: Pick, max: number): string {
  if (pick(10) === 0) return oneOf(pick, ['00', '0', '7', '60', '61', '99', '007', '24', '']);
  return String(pick(max + 1)).padStart(2, '0');
}

const year = (pick: Pick): string =>
  pick(6)
    ? String(1900 + pick(200))
    : oneOf(pick, ['0001', '0000', '9999', '12026', '294276', '294277', '4713', '4714', '002026', '26']);

function date(pick: Pick): string {
  const dash = pick(4) ? '-' : oneOf(pick, ['', '', '/', ' ']);
  return `${year(pick)}${dash}${two(pick, 12)}${dash}${two(pick, 31)}`;
}

const fraction = (pick: Pick): string =>
  oneOf(pick, [
    '',
    '',
    '',
    '.',
    '.5',
    `.${pick(1_000_000)}`,
    `.${'0'.repeat(pick(7))}${pick(1000)}5`,
    '.9999995',
    '.99999951',
  ]);

function time(pick: Pick): string {
  const colon = pick(3) ? ':' : '';
  const hour = pick(8) ? two(pick, 23) : '24';
  const forms = [
    () => `${hour}${colon}${two(pick, 59)}${colon}${two(pick, 60)}${fraction(pick)}`,
    () => `${hour}${colon}${two(pick, 59)}${colon}${two(pick, 59)}${fraction(pick)}`,
    () => `${hour}${colon}${two(pick, 59)}`,
    () => hour,
    () => `24:00:00${fraction(pick)}`,
    () => `23:59:60${fraction(pick)}`,
  ];
  return oneOf(pick, forms)();
}

function zone(pick: Pick): string {
  const hours = `${oneOf(pick, ['+', '-'])}${two(pick, 15)}`;
  const forms = [
    'Z',
    'z',
    'UTC',
    hours,
    `${hours}:${two(pick, 59)}`,
    `${hours}${two(pick, 59)}`,
    '+16',
    '-15:59',
    '+5',
    '+24',
    '+02:60',
    '-99:99',
  ];
  return pick(3) ? '' : oneOf(pick, ['', '', ' ']) + oneOf(pick, forms);
}

/** A text that may be a time, or near one. */
export function generateTimeText(pick: Pick): string {
  const behind = pick(4) ? oneOf(pick, ['T', 'T', ' ', '  ', 't', ' T', '']) + time(pick) + zone(pick) : '';
  const space = () => (pick(8) ? '' : oneOf(pick, [' ', '\t', '\n', '\u00a0']));
  const text = space() + date(pick) + behind + (pick(8) ? '' : oneOf(pick, [' BC', ' bc', 'BC', ' AD'])) + space();
  if (pick(6)) return text;
  const at = pick(text.length + 1);
  return text.slice(0, at) + oneOf(pick, ['', ...' 0159:.-+/,TZ']) + text.slice(at + pick(2));
}
