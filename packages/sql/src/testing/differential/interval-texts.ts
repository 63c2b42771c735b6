import type { Pick } from './rule.js';

/** Texts of intervals in every form that PostgreSQL reads, and near misses of them. */

const units = (
  'us usec usecond microseconds microsecondish ms msecs millisecond s sec secs second seconds m min mins mm minute minutes h hr hrs hour hours ' +
  'd day days w week weeks mon mons month months y yr yrs year years dec decs decade c cent century mil mils millennia millennium Day HOURS'
).split(' ');

/** Of the fields that make a text, each kind by itself is none too often for them to go together. */
const fewUnits = 'ms s sec minute m hours h day d week mon month y years decade'.split(' ');

const qualifiers = [
  ...[
    'YEAR',
    'MONTH',
    'DAY',
    'HOUR',
    'MINUTE',
    'SECOND',
    'YEAR TO MONTH',
    'DAY TO HOUR',
    'DAY TO MINUTE',
    'DAY TO SECOND',
  ],
  ...['HOUR TO MINUTE', 'HOUR TO SECOND', 'MINUTE TO SECOND', 'SECOND(2)', 'DAY TO SECOND(0)', 'HOUR TO SECOND(3)'],
  ...['MINUTE TO SECOND(6)', '(0)', '(1)', '(3)', '(6)'],
];

const oneOf = <T>(pick: Pick, from: readonly T[]): T => from[pick(from.length)] as T;
const digits = (pick: Pick): string => String(pick(10 ** (1 + pick(3))));
const sign = (pick: Pick): string => oneOf(pick, ['', '', '', '-', '-', '+', '- ', '+ ', '-\t']);
const gap = (pick: Pick): string => oneOf(pick, ['', ' ', ' ', ' ', ' ', '  ', ' @ ', ', ', '\n']);
const fraction = (pick: Pick): string =>
  oneOf(pick, ['', '', '', '.', '.5', `.${digits(pick)}`, `.${digits(pick)}${digits(pick)}5`]);
const two = (pick: Pick): string =>
  pick(8) ? String(pick(60)).padStart(2, '0') : oneOf(pick, ['', '0', '7', '60', '007', '99']);

function time(pick: Pick): string {
  const hours = pick(4) ? two(pick) : digits(pick);
  const seconds = pick(3) ? `:${two(pick)}` : '';
  return `${sign(pick)}${hours}:${two(pick)}${seconds}${pick(3) ? '' : fraction(pick)}`;
}

const number = (pick: Pick): string =>
  (pick(12) ? `${sign(pick)}${digits(pick)}` : oneOf(pick, ['', '.', '-.'])) + fraction(pick);
const counted = (pick: Pick): string => number(pick) + gap(pick) + oneOf(pick, pick(3) ? fewUnits : units);
const yearsAndMonths = (pick: Pick): string =>
  `${sign(pick)}${digits(pick)}-${pick(5) ? pick(13) : oneOf(pick, ['', '007', '1-2', 'x'])}`;

function fields(pick: Pick): string {
  const kinds = [
    counted,
    counted,
    counted,
    counted,
    time,
    time,
    yearsAndMonths,
    number,
    () => oneOf(pick, ['at', 'on', 'ago', 'and']),
  ];
  const all = Array.from({ length: 1 + pick(4) }, () => oneOf(pick, kinds)(pick));
  const text = all.map((field) => field + gap(pick)).join('');
  return (pick(6) ? '' : gap(pick)) + text + (pick(6) ? '' : 'ago');
}

const isoNumber = (pick: Pick): string =>
  (pick(4) ? '' : '-') + (pick(10) ? digits(pick) : oneOf(pick, ['', '.', '1e2', '15e-1', '2E1'])) + fraction(pick);

function isoParts(pick: Pick, designators: string): string {
  return [...designators].map((letter) => (pick(3) ? '' : isoNumber(pick) + letter)).join('');
}

function isoDate(pick: Pick): string {
  const part = () => (pick(3) ? two(pick) : isoNumber(pick));
  const forms = [
    () => isoParts(pick, 'YMWD'),
    () => isoParts(pick, 'DWMY'),
    () => `000${pick(10)}-${part()}-${part()}`,
    () => `${isoNumber(pick)}-${part()}`,
    () => isoNumber(pick),
    () => `${pick(3) ? '' : '-'}000${pick(10)}${10 + pick(90)}${10 + pick(90)}${fraction(pick)}`,
    () => '',
  ];
  return oneOf(pick, forms)();
}

function isoTime(pick: Pick): string {
  const part = () => (pick(3) ? two(pick) : isoNumber(pick));
  const forms = [
    () => isoParts(pick, 'HMS'),
    () => isoParts(pick, 'SMH'),
    () => `${part()}:${part()}:${part()}${pick(2) ? '' : fraction(pick)}`,
    () => `${part()}:${part()}`,
    () => isoNumber(pick),
    () => `${10 + pick(90)}${10 + pick(90)}${10 + pick(90)}`,
  ];
  return oneOf(pick, forms)();
}

const iso = (pick: Pick): string =>
  `P${isoDate(pick)}${pick(2) ? `T${isoTime(pick)}` : ''}${pick(20) ? '' : `T${isoTime(pick)}`}`;

/** One character more, less or another. */
function changed(pick: Pick, text: string): string {
  const at = pick(text.length + 1);
  return text.slice(0, at) + oneOf(pick, ['', ...' 0159:.-+/@_,TPdhmszé\u00a0']) + text.slice(at + pick(2));
}

/** A cast of a text to INTERVAL, bounded or not, the same for this dialect and for PostgreSQL. */
export function generateIntervalText(pick: Pick): string {
  const made = pick(3) ? fields(pick) : iso(pick);
  const text = pick(5) ? made : changed(pick, made);
  const qualifier = pick(3) ? '' : oneOf(pick, qualifiers);
  const forms = [`'${text}'::interval ${qualifier}`, `'${text}'::text::interval ${qualifier}`];
  if (!qualifier.startsWith('(')) forms.push(`INTERVAL '${text}' ${qualifier}`);
  else forms.push(`INTERVAL${qualifier} '${text}'`);
  return oneOf(pick, forms).trimEnd();
}
