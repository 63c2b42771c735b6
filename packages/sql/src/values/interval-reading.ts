import { roundHalfEven } from './double.js';
import type { Interval } from './interval.js';
import { IntervalSum, type Unit, type UnitName, unitOf, unitOfWord } from './interval-fields.js';
import { parseIsoInterval } from './interval-iso.js';
import { anyInterval, boundedInterval, type IntervalQualifier } from './interval-qualifier.js';
import { type IntervalToken, tokensOf, wholeAndFraction } from './interval-tokens.js';
import { microsPerSecond } from './time.js';

/**
 * `1 day 02:30:00`, `1 year -2 mons`, `90 minutes ago`, `1-2 3 04:05`, `P1DT2H`, as PostgreSQL reads it within the bounds of its type
 * (https://www.postgresql.org/docs/18/datatype-datetime.html#DATATYPE-INTERVAL-INPUT), or undefined. Throws `RowError` where it is out of range.
 */
export function parseInterval(text: string, qualifier: IntervalQualifier = anyInterval): Interval | undefined {
  const interval = text.startsWith('P') ? parseIsoInterval(text) : parseFields(text, qualifier);
  return interval && boundedInterval(interval, qualifier);
}

/** From the last token to the first, as PostgreSQL's DecodeInterval goes, since a unit stands behind its number. */
function parseFields(text: string, qualifier: IntervalQualifier): Interval | undefined {
  const tokens = tokensOf(text)?.toReversed();
  if (!tokens) return undefined;
  const isAgo = isWord(tokens[0], 'ago');
  const fields = new Fields(qualifier, isAgo);
  const isRead = tokens.slice(isAgo ? 1 : 0).every((token) => fields.take(token)) && fields.areComplete;
  return isRead ? fields.sum.interval(isAgo ? -1 : 1) : undefined;
}

const isWord = (token: IntervalToken | undefined, word: string): boolean =>
  token?.kind === 'word' && token.word === word;

const partsOfSecond = ['second', 'millisecond', 'microsecond'] as const;

/** The fields of a text, each of which stands there once at most. */
class Fields {
  readonly sum = new IntervalSum();
  readonly #taken = new Set<UnitName>();
  readonly #minutesFirst: boolean;
  readonly #last: Unit;
  /** What the next number is of. Where nothing says it, that is the last field of the type, and days in front of hours and of a time. */
  #unit: Unit | undefined;
  /** Whether the unit still waits for its number. */
  #waits = false;

  constructor({ last, minutesFirst }: IntervalQualifier, isAgo: boolean) {
    this.#minutesFirst = minutesFirst;
    this.#last = unitOf(last);
    this.#unit = isAgo ? undefined : this.#last;
  }

  get areComplete(): boolean {
    return this.#taken.size > 0 && !this.#waits;
  }

  /** Takes the next token; false where it cannot stand there. */
  take(token: IntervalToken): boolean {
    if (token.kind === 'word') return this.#takeWord(token.word);
    this.#waits = false;
    switch (token.kind) {
      case 'number':
        return this.#takeNumber(token.whole, token.fraction, this.#unit);
      case 'months':
        return this.#takeNumber(token.months, 0, unitOf('month'));
      case 'time':
        return this.#takeTime(token.parts, token.sign);
    }
  }

  #takeWord(word: string): boolean {
    if (this.#waits) return false;
    // PostgreSQL passes over these, and over what it knew of the next number.
    const isFiller = word === 'at' || word === 'on';
    this.#unit = isFiller ? this.#last : unitOfWord(word);
    this.#waits = !isFiller;
    return this.#unit !== undefined;
  }

  #takeNumber(whole: number, fraction: number, unit: Unit | undefined): boolean {
    if (!unit) return false;
    this.sum.add(whole, fraction, unit);
    this.#unit = unit.name === 'hour' ? unitOf('day') : unit;
    return unit.name === 'second' && fraction !== 0 ? this.#mark(...partsOfSecond) : this.#mark(unit.name);
  }

  /** `1:02:03.5`, `1:02`; with a fraction and without hours minutes and seconds. */
  #takeTime(parts: readonly string[], sign: 1 | -1): boolean {
    const isShort = parts.length === 2 && (this.#minutesFirst || parts[1]?.includes('.'));
    const [hours, minutes, written = ''] = isShort ? ['', ...parts] : parts;
    const { whole: seconds, fraction } = wholeAndFraction(written, 1);
    // PostgreSQL takes a leap second.
    if (Number(minutes) > 59 || seconds > 60) return false;
    const whole = (Number(hours) * 3600 + Number(minutes) * 60 + seconds) * microsPerSecond;
    this.sum.setTime(sign * (whole + roundHalfEven(fraction * microsPerSecond)));
    this.#unit = unitOf('day');
    return this.#mark('hour', 'minute', ...partsOfSecond);
  }

  #mark(...names: readonly UnitName[]): boolean {
    const isFree = !names.some((name) => this.#taken.has(name));
    for (const name of names) this.#taken.add(name);
    return isFree;
  }
}
