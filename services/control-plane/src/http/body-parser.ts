import { locate } from '@laminar/sql';
import { Refusal, type RefusalDetails } from '../refusal.js';
import { repeatedName } from './repeated-name.js';

const nestingMax = 64;

/**
 * The value of a JSON body. Throws a `Refusal` for what is not UTF-8 or not JSON, is nested deeper than 64, names a member
 * twice, of which only one would be read, or holds a `__proto__` or half a surrogate pair, neither of which a definition could keep. An empty body is undefined.
 */
export function parseJsonBody(bytes: Uint8Array): unknown {
  const text = decode(bytes);
  if (text.trim() === '') return undefined;
  // Before the parser, which would recurse as deep as the text goes.
  if (isNestedTooDeep(text)) throw malformed(`the body is nested deeper than ${nestingMax} levels`);
  const value = parse(text);
  const repeated = repeatedName(text);
  if (repeated) throw malformed(`"${repeated.name}" stands twice in one object`, placeIn(text, repeated.index));
  checkStrings(value);
  return value;
}

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Nothing of the body may be repeated in an answer. */
    readonly confidential?: boolean;
  }
}

/** The same for a body that holds a secret, of which no error may repeat a part. */
export function parseConfidentialBody(bytes: Uint8Array): unknown {
  try {
    return parseJsonBody(bytes);
  } catch (error) {
    if (error instanceof Refusal)
      throw malformed('the body is not JSON as it is taken here; it is not repeated, since it holds a secret');
    throw error;
  }
}

function decode(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw malformed('the body is not UTF-8');
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    const index = /at position (\d+)/.exec(error.message)?.[1];
    const at = index === undefined ? undefined : placeIn(text, Number(index));
    const where = at === undefined ? '' : ` at line ${locate(text, at.offset).line}`;
    throw malformed(`the body is not JSON${where}: ${withoutPosition(error.message)}`, at);
  }
}

type Place = NonNullable<RefusalDetails['at']>;

/** A place counted in code points, of one that JavaScript counts in UTF-16. */
const placeIn = (text: string, index: number): Place => ({ text, offset: [...text.slice(0, index)].length });

/** Newer engines quote a part of the text, in which anything may stand. */
const withoutPosition = (message: string): string =>
  message.replace(/ in JSON at position .*$/s, '').replace(/, (?:\.\.\.)?".*is not valid JSON$/s, '');

function isNestedTooDeep(text: string): boolean {
  let depth = 0;
  let inString = false;
  for (let i = 0; i < text.length; i++) {
    const char = text[i];
    if (inString) {
      if (char === '\\') i++;
      else if (char === '"') inString = false;
    } else if (char === '"') inString = true;
    else if (char === '{' || char === '[') {
      if (++depth > nestingMax) return true;
    } else if (char === '}' || char === ']') depth--;
  }
  return false;
}

const loneSurrogate = /\p{Surrogate}/u;

function checkStrings(value: unknown): void {
  if (typeof value === 'string' && loneSurrogate.test(value)) throw malformed('a string holds half a surrogate pair');
  if (typeof value !== 'object' || value === null) return;
  for (const [key, member] of Object.entries(value)) {
    if (key === '__proto__') throw malformed('"__proto__" cannot be the name of anything');
    if (loneSurrogate.test(key)) throw malformed('a name holds half a surrogate pair');
    checkStrings(member);
  }
}

const malformed = (message: string, at?: Place): Refusal =>
  new Refusal('malformed_json', message, at === undefined ? {} : { at });
