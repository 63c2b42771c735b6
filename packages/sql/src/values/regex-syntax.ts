import { RowError } from '../errors.js';
import { PatternWeight } from './regex-weight.js';

/** A pattern of PostgreSQL as RE2 writes it. */
export interface Translated {
  readonly source: string;
  readonly ignoresCase: boolean;
  /** `.` and `[^...]` stop at line ends, `^` and `$` match there. */
  readonly newlineSensitive: boolean;
  /** How much there is to match. */
  readonly weight: number;
  /** What its quantifiers prefer. */
  readonly greed: 'longest' | 'shortest' | 'mixed';
}

const fail = (message: string): RowError => new RowError('invalid_regex', message);

/** Escapes of one letter; classes are Unicode's letters and ASCII's digits, as C.UTF-8 has them. */
const escapes: { readonly [letter: string]: string | undefined } = {
  a: '\\x07',
  b: '\\x08',
  B: '\\\\',
  e: '\\x1b',
  f: '\\f',
  n: '\\n',
  r: '\\r',
  t: '\\t',
  v: '\\v',
  '0': '\\x00',
};
const spaces = '\\t-\\r \\x{85}\\x{1680}\\x{2000}-\\x{200a}\\x{2028}\\x{2029}\\x{202f}\\x{205f}\\x{3000}';
const classEscapes: { readonly [letter: string]: string | undefined } = {
  d: '0-9',
  w: '\\p{L}\\p{M}\\p{Nl}0-9_',
  s: spaces,
};
const namedClasses: { readonly [name: string]: string | undefined } = {
  alpha: '\\p{L}\\p{M}\\p{Nl}',
  digit: '0-9',
  alnum: '\\p{L}\\p{M}\\p{Nl}0-9',
  word: '\\p{L}\\p{M}\\p{Nl}0-9_',
  upper: '\\p{Lu}',
  lower: '\\p{Ll}',
  space: spaces,
  blank: ' \\t',
  punct: '!-/:-@\\[-`{-~\\p{P}',
  cntrl: '\\x00-\\x1f\\x7f-\\x{9f}',
  xdigit: '0-9A-Fa-f',
};
const constraints: { readonly [letter: string]: string | undefined } = { A: '\\A', Z: '\\z', y: '\\b', Y: '\\B' };
const boundMax = 255;

const escapeLiteral = (character: string): string =>
  /[\\^$.*+?()[\]{}|-]/.test(character) ? `\\${character}` : character;

/** Throws `RowError` where the pattern is none, or needs backtracking. */
export function translatePattern(pattern: string, flags: string): Translated {
  const directed = /^\*\*\*([=:])?/.exec(pattern);
  if (directed && directed[1] === undefined) throw fail('*** begins a regular expression only as ***= or ***:');
  const rest = directed ? pattern.slice(4) : pattern;
  const embedded = directed?.[1] === '=' ? undefined : /^\(\?([a-z]+)\)/.exec(rest);
  const options = { ignoresCase: false, newlineSensitive: false, literal: directed?.[1] === '=' };
  for (const flag of flags + (embedded?.[1] ?? '')) applyFlag(flag, options);
  const body = embedded ? rest.slice(embedded[0].length) : rest;
  const { ignoresCase, newlineSensitive } = options;
  if (options.literal)
    return {
      source: [...body].map(escapeLiteral).join(''),
      ignoresCase,
      newlineSensitive,
      weight: body.length,
      greed: 'longest',
    };
  return { ...new Translator(body, newlineSensitive).translate(), ignoresCase, newlineSensitive };
}

function applyFlag(flag: string, options: { ignoresCase: boolean; newlineSensitive: boolean; literal: boolean }): void {
  if (flag === 'i') options.ignoresCase = true;
  else if (flag === 'c') options.ignoresCase = false;
  else if (flag === 'n' || flag === 'm') options.newlineSensitive = true;
  else if (flag === 's') options.newlineSensitive = false;
  else if (flag === 'q') options.literal = true;
  else if (flag !== 't')
    throw fail(`the option "${flag}" of regular expressions is not supported: there are i, c, n, s and q`);
}

class Translator {
  #at = 0;
  #source = '';
  #greedy = false;
  #lazy = false;
  /** Whether what stands before can have a quantifier: no constraint does, and no quantifier. */
  #repeatable = false;
  readonly #weight = new PatternWeight();
  readonly #characters: readonly string[];

  constructor(
    pattern: string,
    readonly newlineSensitive: boolean,
  ) {
    this.#characters = [...pattern];
  }

  translate(): Pick<Translated, 'source' | 'greed' | 'weight'> {
    while (this.#at < this.#characters.length) this.#source += this.#next();
    const greed = this.#greedy && this.#lazy ? 'mixed' : this.#lazy ? 'shortest' : 'longest';
    return { source: this.#source, greed, weight: this.#weight.total };
  }

  #next(): string {
    const character = this.#take();
    if (character === '(') {
      this.#repeatable = false;
      this.#weight.open();
      return this.#group();
    }
    const isBound = character === '{' && /\d/.test(this.#peek());
    if (isBound || character === '*' || character === '+' || character === '?') {
      if (!this.#repeatable) throw fail('a quantifier has nothing to repeat');
      this.#repeatable = false;
      return isBound ? this.#bound() : character + this.#greed();
    }
    if (character === ')') {
      this.#repeatable = true;
      this.#weight.close();
      return character;
    }
    const part = this.#part(character);
    this.#weight.part(part);
    return part;
  }

  /** What is neither a group nor behind a part. */
  #part(character: string): string {
    if (character === '\\') {
      this.#repeatable = constraints[this.#peek()] === undefined;
      return this.#escape();
    }
    if (character === '[') {
      this.#repeatable = true;
      return this.#bracket();
    }
    this.#repeatable = !/[\^$|]/.test(character);
    if (character === '{' || character === '}' || character === ']') return `\\${character}`;
    return character;
  }

  #greed(): string {
    if (this.#peek() !== '?') {
      this.#greedy = true;
      return '';
    }
    this.#lazy = true;
    return this.#take();
  }

  #bound(): string {
    const match = /^(\d+)(?:(,)(\d*))?\}/.exec(this.#characters.slice(this.#at, this.#at + 12).join(''));
    if (!match) throw fail('a bound is written {m}, {m,} or {m,n}');
    const [written, low = '', comma = '', high = ''] = match;
    if (Number(low) > boundMax || Number(high) > boundMax) throw fail(`a bound is at most ${boundMax}`);
    if (high !== '' && Number(high) < Number(low)) throw fail('a bound {m,n} has its smaller number first');
    this.#at += written.length;
    this.#weight.repeat(Math.max(Number(low), Number(high)));
    const exact = comma === '';
    if (!exact) return `{${Number(low)},${high === '' ? '' : Number(high)}}${this.#greed()}`;
    // An exact bound prefers nothing, and a ? behind it changes nothing.
    if (this.#peek() === '?') this.#take();
    return `{${Number(low)}}`;
  }

  #group(): string {
    if (this.#peek() !== '?') return '(';
    this.#take();
    if (this.#peek() !== ':')
      throw fail('looking ahead or behind is not supported in regular expressions, which run in linear time');
    this.#take();
    return '(?:';
  }

  #escape(): string {
    const letter = this.#take('a regular expression ends with a backslash');
    const inClass = classEscapes[letter];
    if (inClass !== undefined) return `[${inClass}]`;
    const negated = /[DWS]/.test(letter) ? classEscapes[letter.toLowerCase()] : undefined;
    if (negated !== undefined) return `[^${negated}]`;
    const constraint = constraints[letter];
    if (constraint !== undefined) return constraint;
    if (letter === 'm' || letter === 'M')
      throw fail(`\\${letter} is not supported in regular expressions; \\y is where a word begins or ends`);
    if (/[1-9]/.test(letter))
      throw fail('back references are not supported in regular expressions, which run in linear time');
    return this.#character(letter);
  }

  /** An escape that is one character, in or out of brackets. */
  #character(letter: string): string {
    const known = escapes[letter];
    if (known !== undefined) return known;
    const digits = letter === 'u' ? 4 : letter === 'U' ? 8 : letter === 'x' ? 255 : 0;
    if (digits > 0) {
      let hex = '';
      while (hex.length < digits && /[\da-f]/i.test(this.#peek())) hex += this.#take();
      if (hex === '' || (letter !== 'x' && hex.length < digits)) throw fail(`\\${letter} needs hexadecimal digits`);
      const code = Number.parseInt(hex.slice(-8), 16);
      if (code > 0x10ffff) throw fail(`\\${letter}${hex} is no character`);
      return `\\x{${code.toString(16)}}`;
    }
    if (/[A-Za-z]/.test(letter)) throw fail(`there is no escape \\${letter} in regular expressions`);
    return escapeLiteral(letter);
  }

  #bracket(): string {
    let inner = '';
    const negated = this.#peek() === '^';
    if (negated) this.#take();
    for (let first = true; ; first = false) {
      const character = this.#take('a bracket [ is not closed');
      if (character === ']' && !first) break;
      inner += this.#bracketItem(character);
    }
    return `[${negated ? '^' : ''}${inner}${negated && this.newlineSensitive ? '\\n' : ''}]`;
  }

  #bracketItem(character: string): string {
    if (character === '[' && /[:.=]/.test(this.#peek())) return this.#named(this.#take());
    if (character === '-') return this.#peek() === ']' || this.#isFirst() ? '\\-' : '-';
    if (character !== '\\') return /[[\]\\^&~]/.test(character) ? `\\${character}` : character;
    const letter = this.#take('a bracket [ is not closed');
    const inClass = classEscapes[letter];
    if (inClass !== undefined) return inClass;
    if (/[DWS]/.test(letter)) throw fail(`\\${letter} does not stand within brackets`);
    return this.#character(letter);
  }

  /** Whether the character just taken is the first within its brackets. */
  #isFirst(): boolean {
    const before = this.#characters[this.#at - 2];
    return before === '[' || (before === '^' && this.#characters[this.#at - 3] === '[');
  }

  #named(kind: string): string {
    let name = '';
    while (!(this.#peek() === kind && this.#characters[this.#at + 1] === ']'))
      name += this.#take(`[${kind} is not closed`);
    this.#at += 2;
    if (kind !== ':') {
      if ([...name].length !== 1) throw fail(`[${kind}${name}${kind}] is no single character`);
      return escapeLiteral(name);
    }
    const known = namedClasses[name];
    if (known === undefined) throw fail(`there is no class [:${name}:]`);
    return known;
  }

  #peek(): string {
    return this.#characters[this.#at] ?? '';
  }

  #take(otherwise = 'a regular expression ends too early'): string {
    const character = this.#characters[this.#at++];
    if (character === undefined) throw fail(otherwise);
    return character;
  }
}

/** The regular expression that a pattern of SIMILAR TO writes, for the whole text. Throws `RowError`. */
export function similarPattern(pattern: string, escapeCharacter = '\\'): string {
  let source = '';
  let inBracket = false;
  const characters = [...pattern];
  for (let i = 0; i < characters.length; i++) {
    const character = characters[i] ?? '';
    if (character === escapeCharacter) {
      const next = characters[++i];
      if (next === undefined) throw fail('a pattern of SIMILAR TO ends with its escape character');
      source += /\w/.test(next) ? next : `\\${next}`;
    } else if (inBracket) {
      if (character === ']') inBracket = false;
      source += character === '\\' ? '\\\\' : character;
    } else if (character === '[') {
      inBracket = true;
      source += character;
    } else if (character === '%') source += '.*';
    else if (character === '_') source += '.';
    else if (character === '(') source += '(?:';
    else source += /[\\.^$]/.test(character) ? `\\${character}` : character;
  }
  return `^(?:${source})$`;
}
