import { RowError } from '../errors.js';
import type { NumberPart, NumberTemplate } from './number-template.js';

/** A number that is rounded to what a template has places for. */
export interface Figures {
  readonly negative: boolean;
  /** Its digits, with a point where some stand behind one; or what stands for a number that has none. */
  readonly text: string;
  /** How many stand behind the point: less than there are places where the number has no more. */
  readonly after: number;
}

/** The text of a number by a template. Throws `RowError` for an ordinal of what is no number. */
export const writeFigures = (template: NumberTemplate, figures: Figures): string =>
  new FigureWriter(template, figures).write();

const romanWidth = 15;

/** Puts figures into places as PostgreSQL does: the point of the number into that of the template, with blanks before the first figure. */
class FigureWriter {
  #written = '';
  /** The place that comes next, from 0; the point has one too. */
  #place = 0;
  /** Whether the last place holds a digit, so that a separator has something to divide. */
  #inNumber = false;
  #signPending: boolean;
  readonly #text: string;
  /** Places before the first figure. */
  readonly #blanks: number;
  /** By FM, the last figure that is written unless its place is a 0; undefined where all are. */
  readonly #lastKept: number | undefined;
  /** A 0 alone before the point is left out, or is a blank. */
  readonly #hidesZero: boolean;
  /** No blank stands for the plus of a number by FM, nor for its brackets. */
  readonly #unsigned: boolean;

  constructor(
    readonly template: NumberTemplate,
    readonly figures: Figures,
  ) {
    const { before, fills, hasPoint, isRoman, sign, zeroFrom, zeroTo } = template;
    const { negative, text, after } = figures;
    const whole = text.includes('.') ? text.indexOf('.') : text.length;
    this.#text = whole > before && !isRoman ? `${'#'.repeat(before)}.${'#'.repeat(after)}` : text;
    this.#blanks = Math.max(0, before - whole);
    this.#lastKept = fills && hasPoint ? lastKept(this.#text, zeroTo - this.#blanks) : undefined;
    this.#hidesZero = zeroFrom === undefined && after > 0 && this.#text.startsWith('0');
    this.#unsigned = fills && !negative && (sign === 'front' || sign === 'brackets');
    this.#signPending = sign !== 'none' && !this.#unsigned;
  }

  write(): string {
    for (const part of this.template.parts) {
      if (part.kind !== 'digit' && part.kind !== 'point') this.#written += this.#mark(part);
      // What stands behind places for which there are no more figures is not written.
      else if (!this.template.isRoman && !this.#put(part.kind === 'digit' && part.zero)) break;
    }
    return this.#written;
  }

  /** Fills the next place; false where the figures have come to an end. */
  #put(zero: boolean): boolean {
    const { before, hasPoint, sign } = this.template;
    const { negative, after } = this.figures;
    const index = this.#place - this.#blanks;
    this.#putSign(index);
    const figure = this.#figure(index, zero);
    if (figure === undefined) return false;
    this.#written += figure;
    this.#inNumber = /[^ .]/.test(figure) && !(this.#hidesZero && index === 0);
    this.#place++;
    if (this.#place === before + after + (hasPoint ? 1 : 0)) {
      if (sign === 'anchored-back') this.#written += negative ? '-' : '+';
      if (sign === 'brackets' && !this.#unsigned) this.#written += negative ? '>' : ' ';
    }
    return true;
  }

  #putSign(index: number): void {
    const { sign, zeroFrom } = this.template;
    if (!this.#signPending || (index < 0 && this.#place !== zeroFrom)) return;
    // It stands beside the point where the 0 before that is left out.
    if (this.#hidesZero && index === 0 && !this.#isWholeKept()) return;
    this.#signPending = false;
    const { negative } = this.figures;
    if (sign === 'brackets') this.#written += negative ? '<' : ' ';
    else if (sign === 'anchored-front') this.#written += negative ? '-' : '+';
    else if (sign === 'front') this.#written += negative ? '-' : ' ';
  }

  /** What stands in the next place; undefined behind the last figure. */
  #figure(index: number, zero: boolean): string | undefined {
    const { fills, zeroFrom } = this.template;
    const blank = fills ? '' : ' ';
    if (index < 0) return zeroFrom !== undefined && zeroFrom <= this.#place ? '0' : blank;
    const figure = this.#text[index];
    if (figure === '.') return figure;
    if (this.#lastKept !== undefined && index > this.#lastKept && !zero) return '';
    if (this.#hidesZero && index === 0) return this.#isWholeKept() ? '0' : blank;
    return figure;
  }

  /** Whether FM leaves nothing behind the point. */
  #isWholeKept(): boolean {
    return this.#lastKept !== undefined && this.#text[this.#lastKept] === '.';
  }

  #mark(part: Exclude<NumberPart, { kind: 'digit' | 'point' }>): string {
    const { negative, text } = this.figures;
    const blank = this.template.fills ? '' : ' ';
    switch (part.kind) {
      case 'literal':
        return part.text;
      case 'group':
        return this.#inNumber ? ',' : blank;
      case 'minus':
        return negative ? '-' : blank;
      case 'plus':
        return negative ? blank : '+';
      case 'sign':
        return negative ? '-' : '+';
      case 'roman':
        return (part.lower ? text.toLowerCase() : text).padStart(this.template.fills ? 0 : romanWidth);
      case 'ordinal': {
        const suffix = this.#hasOrdinal() ? ordinalOf(this.#text) : '';
        return part.lower ? suffix : suffix.toUpperCase();
      }
    }
  }

  #hasOrdinal(): boolean {
    return !this.template.isRoman && !this.template.hasPoint && !this.figures.negative && !this.#text.startsWith('#');
  }
}

/** The last figure behind the point that is not 0, or the point; or that in the last place of a 0, if it comes later. Undefined without a point. */
function lastKept(text: string, zeroTo: number): number | undefined {
  const point = text.indexOf('.');
  if (point < 0) return undefined;
  let last = text.length - 1;
  while (last > point && text[last] === '0') last--;
  return zeroTo > 0 ? Math.max(last, Math.min(zeroTo, text.length - 1)) : last;
}

function ordinalOf(text: string): string {
  const last = text.at(-1) ?? '';
  if (!/\d/.test(last)) throw new RowError('invalid_argument', `"${text}" has no ordinal: it is no number`);
  if (text.at(-2) === '1') return 'th';
  return { 1: 'st', 2: 'nd', 3: 'rd' }[last] ?? 'th';
}
