import { connectionOptions, nearestName } from '@laminar/definitions';

/** Indices of JavaScript. */
interface Piece {
  readonly start: number;
  readonly end: number;
}

const mask = '***';
const credentials = ['password', 'token', 'jwt', 'nkey_seed'];
const soundsSecret = /pass(?!ed|ing|ive)|pwd|secret|token|jwt|seed|credential|private_?key|api_?key/i;

/** Of a name, of what stands between a name and its value, and of what stands in front of a host, no more is looked at. */
const nameCharsMax = 64;
const gapCharsMax = 1000;
const userInfoCharsMax = 500;

const word = /[A-Za-z_][\w-]*/g;
/** Comments included; the E of an escaped string belongs to it. */
const gap = /^(?:\s|--[^\n]*\n|\/\*[\s\S]*?\*\/)*(=>|[=:])?(?:\s|--[^\n]*\n|\/\*[\s\S]*?\*\/)*(?:[eE](?='))?\\*/;
const bare = /[^\s,;()[\]{}'"]+/y;
const dollarTag = /\$(?:[A-Za-z_]\w*)?\$/y;
const reference = /^['"]\$\{secret:[^}'"]*\}\\?['"]$/;

/**
 * Masks secrets that somebody wrote where only a reference belongs. Such a text is refused, and what is quoted of it must not bring them into answers, terminals and logs: the values behind
 * names that sound of a secret, in SQL and in JSON, also where the text around them is broken, and what stands in front of a host.
 */
export class SecretMask {
  readonly #pieces: readonly Piece[];
  /** The text without its secrets. */
  readonly text: string;

  constructor(readonly original: string) {
    this.#pieces = piecesOf(original);
    let text = '';
    let at = 0;
    for (const { start, end } of this.#pieces) {
      text += original.slice(at, start) + mask;
      at = end;
    }
    this.text = text + original.slice(at);
  }

  /** A place of the original in the text that is shown, both in code points; within a secret it is where that begins. */
  offset(original: number): number {
    if (this.#pieces.length === 0) return original;
    const index = [...this.original].slice(0, original).join('').length;
    let moved = 0;
    for (const { start, end } of this.#pieces) {
      if (index < end) return this.#codePoints(Math.min(index, start) + moved);
      moved += mask.length - (end - start);
    }
    return this.#codePoints(index + moved);
  }

  /** A message that may quote a part of the text. */
  message(message: string): string {
    let shown = message;
    for (const { start, end } of this.#pieces) {
      const secret = this.original.slice(start, end);
      for (const quoted of [`"${secret}"`, `"${secret.replace(/\W.*$/s, '')}"`])
        if (quoted !== '""') shown = shown.replaceAll(quoted, `"${mask}"`);
    }
    return shown;
  }

  #codePoints(index: number): number {
    return [...this.text.slice(0, index)].length;
  }
}

/** Each secret, in order, none within another. */
function piecesOf(text: string): Piece[] {
  const found = [...valuesOf(text), ...userInfosOf(text)].sort((a, b) => a.start - b.start);
  const pieces: Piece[] = [];
  for (const piece of found) if (piece.start >= (pieces.at(-1)?.end ?? 0)) pieces.push(piece);
  return pieces;
}

/** The values behind names that sound of a secret. */
function valuesOf(text: string): Piece[] {
  const pieces: Piece[] = [];
  for (const { 0: name, index } of text.matchAll(word)) {
    const isReference = text.startsWith('${', index - 2);
    if (index < (pieces.at(-1)?.end ?? 0) || isReference || !isSecretName(name)) continue;
    const value = valueBehind(text, index, index + name.length);
    if (value && !reference.test(text.slice(value.start, value.end))) pieces.push(value);
  }
  return pieces;
}

function isSecretName(name: string): boolean {
  const folded = name.toLowerCase();
  if (folded.length > nameCharsMax) return false;
  if (credentials.includes(folded)) return true;
  if (Object.hasOwn(connectionOptions, folded)) return false;
  return soundsSecret.test(folded) || nearestName(folded, credentials) !== undefined;
}

/** What is written as the value of the name between two indices; undefined where nothing is. */
function valueBehind(text: string, nameStart: number, nameEnd: number): Piece | undefined {
  const opening = text[nameStart - 1] ?? '';
  const closing = /["'`]/.test(opening) ? (/^\\*["'`]/.exec(text.slice(nameEnd, nameEnd + 8))?.[0].length ?? 0) : 0;
  const from = nameEnd + closing;
  const [between, separator] = gap.exec(text.slice(from, from + gapCharsMax)) ?? ['', undefined];
  const start = from + between.length;
  const first = text[start];
  const isQuoted = first === "'" || first === '"';
  // Without a sign in between only a text is meant as a value.
  if (first === undefined || (separator === undefined && first !== "'" && !dollarTagAt(text, start))) return undefined;
  const end = isQuoted ? endOfQuoted(text, start, first) : endOfOther(text, start);
  if (end === start) return undefined;
  if (/^[\s,;)\]}"'\\]?$/.test(text[end] ?? '')) return { start, end };
  // A quote within a secret ends the text for the parser, not the secret for whoever wrote it.
  const lineEnd = text.indexOf('\n', end);
  return { start, end: lineEnd === -1 ? text.length : lineEnd };
}

function endOfQuoted(text: string, start: number, quote: string): number {
  for (let at = start + 1; at < text.length; at++) {
    if (text[at] === '\\') at++;
    else if (text[at] === quote) {
      if (quote !== "'" || text[at + 1] !== quote) return at + 1;
      at++;
    }
  }
  return text.length;
}

function endOfOther(text: string, start: number): number {
  const tag = dollarTagAt(text, start);
  if (tag !== undefined) {
    const end = text.indexOf(tag, start + tag.length);
    return end === -1 ? text.length : end + tag.length;
  }
  bare.lastIndex = start;
  return start + (bare.exec(text)?.[0].length ?? 0);
}

function dollarTagAt(text: string, start: number): string | undefined {
  dollarTag.lastIndex = start;
  return dollarTag.exec(text)?.[0];
}

/** `user:password` or a token in front of `@host`. */
function userInfosOf(text: string): Piece[] {
  const pieces: Piece[] = [];
  for (let end = text.indexOf('@'); end !== -1; end = text.indexOf('@', end + 1)) {
    const before = text.slice(Math.max(0, end - userInfoCharsMax), end);
    const info = before.slice(before.search(/[^\s'",/]*$/));
    const isInfo = info !== '' && (info.includes(':') || before.slice(0, -info.length).endsWith('//'));
    if (isInfo) pieces.push({ start: end - info.length, end });
  }
  return pieces;
}
