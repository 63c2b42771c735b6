import { RowError } from '../errors.js';

/** Templates by which to_char writes numbers, taken apart (https://www.postgresql.org/docs/18/functions-formatting.html). */

/** One piece of a template. */
export type NumberPart =
  | { readonly kind: 'literal'; readonly text: string }
  /** A place for a digit: `zero` where it is written though nothing but zeros stand beyond it. */
  | { readonly kind: 'digit'; readonly zero: boolean }
  | { readonly kind: 'point' }
  | { readonly kind: 'group' | 'minus' | 'plus' | 'sign' }
  | { readonly kind: 'roman' | 'ordinal'; readonly lower: boolean };

/** Where the sign goes that is the number's own: before its first digit, by S before that or behind the last one, around it by PR, nowhere beside MI and SG. */
export type SignPlace = 'front' | 'anchored-front' | 'anchored-back' | 'brackets' | 'none';

export interface NumberTemplate {
  readonly parts: readonly NumberPart[];
  /** Places before the point, those that V adds with them, and behind it. */
  readonly before: number;
  readonly after: number;
  /** The powers of ten by which V multiplies. */
  readonly shift: number;
  readonly hasPoint: boolean;
  /** FM: no blanks, and no zeros at the end of the fraction. */
  readonly fills: boolean;
  /** The place of the first 0 before the point, from 0; undefined where there is none. */
  readonly zeroFrom: number | undefined;
  /** The places up to the last 0; 0 where there is none. */
  readonly zeroTo: number;
  readonly sign: SignPlace;
  readonly isRoman: boolean;
  readonly hasExponent: boolean;
}

/** The longest of those that begin alike first; each is written in capital letters or in small ones. */
const patterns = 'EEEE FM MI PL SG PR RN TH SP 9 0 . , D G S L V B C'
  .split(' ')
  .flatMap((name) => [...new Set([name, name.toLowerCase()])]);

const signs = ['S', 'MI', 'PL', 'SG', 'PR'];
/** Patterns that cannot stand behind others. */
const conflicts: { readonly [name: string]: readonly string[] | undefined } = {
  '9': ['PR'],
  '0': ['PR', 'RN'],
  '.': ['.', 'V', 'RN'],
  V: ['.', 'RN'],
  S: [...signs, 'RN'],
  MI: ['S', 'PR', 'RN'],
  PL: ['S', 'PR', 'RN'],
  SG: ['S', 'PR', 'RN'],
  PR: ['S', 'MI', 'PL', 'SG', 'RN'],
  RN: ['RN', '0', '.', 'V', ...signs],
  EEEE: ['FM', 'V', 'RN', ...signs],
};
/** What PostgreSQL knows as patterns and writes nothing for. */
const meaningless: readonly string[] = ['B', 'C', 'SP'];

/** More places than any double has digits. */
const lengthMax = 300;
const cacheMax = 256;
const cache = new Map<string, NumberTemplate>();

/** What a text means as a template, kept for the next row. Throws `RowError`, which names the pattern and its place. */
export function numberTemplate(text: string): NumberTemplate {
  const known = cache.get(text);
  if (known) return known;
  if (text.length > lengthMax)
    throw new RowError('too_large', `a template of a number has at most ${lengthMax} characters`);
  const template = new TemplateReader(text).read();
  if (cache.size >= cacheMax) cache.delete(cache.keys().next().value ?? '');
  cache.set(text, template);
  return template;
}

/** What a pattern writes in its place; undefined where it says something of the whole number. */
function partOf(name: string, lower: boolean): NumberPart | undefined {
  switch (name) {
    case '9':
    case '0':
      return { kind: 'digit', zero: name === '0' };
    case '.':
      return { kind: 'point' };
    case ',':
    case 'G':
      return { kind: 'group' };
    case 'L':
      // The locale C has no sign of a currency.
      return { kind: 'literal', text: ' ' };
    case 'MI':
      return { kind: 'minus' };
    case 'PL':
      return { kind: 'plus' };
    case 'SG':
      return { kind: 'sign' };
    case 'RN':
      return { kind: 'roman', lower };
    case 'TH':
      return { kind: 'ordinal', lower };
    default:
      return undefined;
  }
}

class TemplateReader {
  readonly #parts: NumberPart[] = [];
  /** The patterns so far, in capital letters, D as the point that it is. */
  readonly #seen = new Set<string>();
  #at = 0;
  #before = 0;
  #after = 0;
  #shift = 0;
  #zeroFrom: number | undefined;
  #zeroTo = 0;
  /** How many places stood before S; none where it stands behind the point. */
  #beforeSign: number | undefined;

  constructor(readonly text: string) {}

  read(): NumberTemplate {
    while (this.#at < this.text.length) this.#next();
    const before = this.#before + this.#shift;
    return {
      parts: this.#parts,
      before,
      after: this.#after,
      shift: this.#shift,
      hasPoint: this.#seen.has('.'),
      fills: this.#seen.has('FM'),
      zeroFrom: this.#zeroFrom,
      zeroTo: this.#zeroTo,
      sign: this.#signPlace(before),
      isRoman: this.#seen.has('RN'),
      hasExponent: this.#seen.has('EEEE'),
    };
  }

  #next(): void {
    const pattern = patterns.find((name) => this.text.startsWith(name, this.#at));
    if (pattern !== undefined) {
      const name = pattern === 'D' || pattern === 'd' ? '.' : pattern.toUpperCase();
      this.#refuseConflict(name, pattern);
      this.#seen.add(name);
      if (name === '9' || name === '0') this.#place(name === '0');
      if (name === 'S' && !this.#seen.has('.')) this.#beforeSign = this.#before;
      const part = partOf(name, pattern !== pattern.toUpperCase());
      if (part) this.#parts.push(part);
      this.#at += pattern.length;
    } else if (this.text[this.#at] === '"') this.#quoted();
    else {
      // Outside of quotes a backslash is one, unless it makes a quote a character.
      if (this.text.startsWith('\\"', this.#at)) this.#at++;
      this.#literal();
    }
  }

  #quoted(): void {
    this.#at++;
    while (this.#at < this.text.length && this.text[this.#at] !== '"') {
      if (this.text[this.#at] === '\\' && this.#at + 1 < this.text.length) this.#at++;
      this.#literal();
    }
    this.#at++;
  }

  #literal(): void {
    const text = String.fromCodePoint(this.text.codePointAt(this.#at) ?? 0);
    this.#parts.push({ kind: 'literal', text });
    this.#at += text.length;
  }

  /** Only a 9 behind V multiplies. */
  #place(zero: boolean): void {
    if (!zero && this.#seen.has('V')) {
      this.#shift++;
      return;
    }
    const behindPoint = this.#seen.has('.');
    if (zero && !behindPoint) this.#zeroFrom ??= this.#before;
    if (behindPoint) this.#after++;
    else this.#before++;
    if (zero) this.#zeroTo = this.#before + this.#after;
  }

  #signPlace(before: number): SignPlace {
    if (this.#seen.has('MI') || this.#seen.has('SG')) return 'none';
    if (this.#seen.has('PR')) return 'brackets';
    if (!this.#seen.has('S')) return 'front';
    return this.#beforeSign === undefined || this.#beforeSign === before ? 'anchored-back' : 'anchored-front';
  }

  #refuseConflict(name: string, written: string): void {
    const other = this.#seen.has('EEEE') ? 'EEEE' : conflicts[name]?.find((pattern) => this.#seen.has(pattern));
    const why = meaningless.includes(name)
      ? 'means nothing for a number: as a text it stands in double quotes'
      : other && (other === name ? 'stands there twice' : `cannot stand behind ${other === '.' ? 'the point' : other}`);
    if (why)
      throw new RowError(
        'invalid_argument',
        `"${written}" at character ${[...this.text.slice(0, this.#at)].length + 1} of the template ${why}`,
      );
  }
}
