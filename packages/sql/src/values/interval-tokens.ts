import { monthsPerYear } from './interval.js';

/**
 * A part of the text of an interval. A number is a whole and a fraction with the same sign: PostgreSQL reads them apart, so that no digit of one costs one of the other.
 * A time has two or three numbers as they stand between its colons, `1-2` is fourteen months, and words are in lower case.
 */
export type IntervalToken =
  | { readonly kind: 'number'; readonly whole: number; readonly fraction: number }
  | { readonly kind: 'months'; readonly months: number }
  | { readonly kind: 'time'; readonly sign: 1 | -1; readonly parts: readonly string[] }
  | { readonly kind: 'word'; readonly word: string };

/** PostgreSQL's limits on what stands in one text (MAXDATEFIELDS, and the buffer of interval_in): how many tokens, and how many characters with one behind each. */
const tokensMax = 25;
const charactersMax = 256;

const time = String.raw`\d+:\d*(?::\d*(?:\.\d*)?|\.\d*)?`;

/** Numbers, and where each ends: `1.5.2`, `1-2-3`, `1.x` and `1/2` are no two of them. */
const numbers: readonly string[] = [
  // Behind a sign, which may stand apart.
  String.raw`[+-][ \t-\r]*(?:${time}|\d+-\d*|\d+(?:\.\d*)?)(?![\d:.-])`,
  String.raw`${time}(?![\d:.])`,
  String.raw`\d+-(?:\d+(?![\d-])|(?![a-z\d-]))`,
  String.raw`\d+\.(?:\d+(?![\d.])|(?![a-z\d.]))`,
  String.raw`\d+(?![\d:./-])`,
  String.raw`\.\d*(?!\d)`,
];
/** `day-2` and `day2` are no two tokens either, but words that dates have too end where digits begin: `1h30m`. */
const word = String.raw`(?:at|d|dec|h|m|mm|mon|on|s|y)(?![a-z./-])|[a-z]+(?![a-z./+\d-])`;
/** White space and punctuation of ASCII, but for what numbers begin with. */
const separator = String.raw`[ \t-\r!-*,/:-@[-\`{-~]`;
const token = new RegExp(`(?<number>${numbers.join('|')})|(?<word>${word})|${separator}`, 'iy');

/** The tokens of a text in their order, as PostgreSQL's ParseDateTime takes it apart (https://www.postgresql.org/docs/18/datetime-input-rules.html); undefined where it does not. */
export function tokensOf(text: string): readonly IntervalToken[] | undefined {
  const tokens: IntervalToken[] = [];
  let characters = 0;
  token.lastIndex = 0;
  while (token.lastIndex < text.length) {
    const groups = token.exec(text)?.groups;
    if (!groups) return undefined;
    const written = (groups.number ?? groups.word)?.replace(/[ \t-\r]+/, '');
    if (written === undefined) continue;
    characters += written.length + 1;
    const read = groups.number === undefined ? wordOf(written) : numberOf(written);
    if (!read || tokens.push(read) > tokensMax || characters > charactersMax) return undefined;
  }
  return tokens;
}

const wordOf = (text: string): IntervalToken => ({ kind: 'word', word: text.toLowerCase() });

function numberOf(text: string): IntervalToken | undefined {
  const sign = text.startsWith('-') ? -1 : 1;
  const unsigned = text.replace(/^[+-]/, '');
  if (unsigned.includes(':')) return { kind: 'time', sign, parts: unsigned.split(':') };
  const [years, months] = unsigned.split('-');
  if (months !== undefined)
    return Number(months) < monthsPerYear
      ? { kind: 'months', months: sign * (Number(years) * monthsPerYear + Number(months)) }
      : undefined;
  return { kind: 'number', ...wholeAndFraction(unsigned, sign) };
}

/** Of digits with a point among them or without. */
export function wholeAndFraction(digits: string, sign: 1 | -1): { readonly whole: number; readonly fraction: number } {
  const [whole = '', fraction = ''] = digits.split('.');
  return { whole: sign * Number(whole), fraction: sign * Number(`0.${fraction}0`) };
}
