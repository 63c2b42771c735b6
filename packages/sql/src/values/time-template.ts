import { RowError } from '../errors.js';

/** Templates of to_char, to_timestamp and to_date, taken apart (https://www.postgresql.org/docs/18/functions-formatting.html). */

/** The longest first, so that HH24 is not read as HH. */
const patternNames = [
  'YYYY',
  'IYYY',
  'Y,YYY',
  'MONTH',
  'Month',
  'month',
  'SSSSS',
  'SSSS',
  'HH24',
  'HH12',
  'A.M.',
  'P.M.',
  'a.m.',
  'p.m.',
  'B.C.',
  'A.D.',
  'b.c.',
  'a.d.',
  'YYY',
  'IYY',
  'IDDD',
  'DDD',
  'DAY',
  'Day',
  'day',
  'MON',
  'Mon',
  'mon',
  'FF1',
  'FF2',
  'FF3',
  'FF4',
  'FF5',
  'FF6',
  'TZH',
  'TZM',
  'YY',
  'IY',
  'HH',
  'MI',
  'SS',
  'MS',
  'US',
  'AM',
  'PM',
  'am',
  'pm',
  'BC',
  'AD',
  'bc',
  'ad',
  'MM',
  'DD',
  'ID',
  'DY',
  'Dy',
  'dy',
  'WW',
  'IW',
  'CC',
  'RM',
  'rm',
  'TZ',
  'tz',
  'OF',
  'Y',
  'I',
  'D',
  'W',
  'J',
  'Q',
] as const;
export type PatternName = (typeof patternNames)[number];
/** Those that mean the same in small letters. */
const bothCases = new Set<string>(
  'YYYY IYYY Y,YYY SSSSS SSSS HH24 HH12 YYY IYY IDDD DDD FF1 FF2 FF3 FF4 FF5 FF6 YY IY HH MI SS MS US MM DD ID WW IW CC Y I D W J Q TZH TZM OF'.split(
    ' ',
  ),
);

/** Without padding, and names in the language of the server, which is English here and are not padded either. */
const prefixes = ['FM', 'fm', 'TM', 'tm'];
const paddedNames = new Set<PatternName>(['MONTH', 'Month', 'month', 'DAY', 'Day', 'day']);

/** One piece of a template. */
export type Part =
  | { readonly literal: string; readonly quoted: boolean }
  | { readonly pattern: PatternName; readonly fill: boolean; readonly ordinal: 'TH' | 'th' | undefined };

const templateLengthMax = 1000;
const cacheMax = 256;
const cache = new Map<string, readonly Part[]>();

/** The parts of a template, kept for the next row. Throws `RowError`. */
export function partsOfTemplate(template: string): readonly Part[] {
  const known = cache.get(template);
  if (known) return known;
  if (template.length > templateLengthMax)
    throw new RowError('too_large', `a template has at most ${templateLengthMax} characters`);
  const parts = parseTemplate(template);
  if (cache.size >= cacheMax) cache.delete(cache.keys().next().value ?? '');
  cache.set(template, parts);
  return parts;
}

function parseTemplate(template: string): Part[] {
  const parts: Part[] = [];
  let at = 0;
  while (at < template.length) {
    // A prefix counts for the pattern behind it, and is gone where there is none.
    const prefix = prefixes.find((text) => template.startsWith(text, at));
    const start = at + (prefix?.length ?? 0);
    if (template[start] === '"') {
      const { text, end } = quotedText(template, start + 1);
      parts.push({ literal: text, quoted: true });
      at = end;
      continue;
    }
    const pattern = patternNames.find((name) => startsWith(template, start, name));
    if (!pattern) {
      // A backslash that stands before anything else is one.
      const from = template.startsWith('\\"', start) ? start + 1 : start;
      const code = template.codePointAt(from);
      const literal = code === undefined ? '' : String.fromCodePoint(code);
      if (literal !== '') parts.push({ literal, quoted: false });
      at = from + literal.length;
      continue;
    }
    const fill = !/^fm/i.test(prefix ?? '') && !(prefix && paddedNames.has(pattern));
    const behind = start + pattern.length;
    const ordinal = ['TH', 'th'].find((suffix) => template.startsWith(suffix, behind)) as 'TH' | 'th' | undefined;
    parts.push({ pattern, fill, ordinal });
    at = behind + (ordinal ? 2 : 0);
  }
  return parts;
}

const startsWith = (template: string, at: number, name: string): boolean => {
  const written = template.slice(at, at + name.length);
  return written === name || (bothCases.has(name) && written === name.toLowerCase());
};

function quotedText(template: string, from: number): { text: string; end: number } {
  let text = '';
  let at = from;
  while (at < template.length && template[at] !== '"') {
    if (template[at] === '\\' && at + 1 < template.length) at++;
    text += template[at] ?? '';
    at++;
  }
  return { text, end: at + 1 };
}
