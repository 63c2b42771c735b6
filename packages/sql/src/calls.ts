import { DecodeError, parseJson } from '@laminar/codecs';
import { RowError } from './errors.js';
import type { UserFunction } from './user-functions.js';
import { jsonConverter } from './values/json-scalar.js';

/** A call whose result is not there yet. */
export interface MissingCall {
  readonly called: UserFunction;
  /** The arguments as a JSON array. */
  readonly request: string;
}

/** Thrown by a query that needs results which are not there yet, none of which depends on another: whoever evaluates it gets them and evaluates it again. */
export class PendingCall extends Error {
  override readonly name = 'PendingCall';
  constructor(readonly calls: readonly [MissingCall, ...MissingCall[]]) {
    super(`the result of "${calls[0].called.name}" is not there yet`);
  }
}

/** So many calls are waited for together, or calls whose arguments have so many characters: a small message may make thousands. */
const togetherMax = 256;
const requestCharsMax = 1024 * 1024;

/** What the calls of one message's evaluation have come to, so that evaluating it again goes on from there. The same call is made once. */
export class CallResults {
  readonly #results = new Map<string, { readonly value: unknown } | { readonly error: RowError }>();
  /** Those that this evaluation went on without. */
  readonly #missing = new Map<string, MissingCall>();
  #missingChars = 0;

  /** Throws `PendingCall` where there is no result yet, and the `RowError` of a call that failed. */
  get(called: UserFunction, request: string): unknown {
    const result = this.#results.get(keyOf(called, request));
    if (!result) throw new PendingCall([{ called, request }]);
    if ('error' in result) throw result.error;
    return result.value;
  }

  /** Takes the calls of a `PendingCall`, so that the evaluation goes on to others that are missing, up to their limits. Throws all other errors. */
  goOnWithout(error: unknown): void {
    if (!(error instanceof PendingCall)) throw error;
    for (const call of error.calls) {
      const key = keyOf(call.called, call.request);
      if (!this.#missing.has(key)) this.#missingChars += call.request.length;
      this.#missing.set(key, call);
    }
    if (this.#missing.size >= togetherMax || this.#missingChars >= requestCharsMax) this.end();
  }

  /** Ends an evaluation. Throws `PendingCall` where it went on without results. */
  end(): void {
    const [first, ...others] = this.#missing.values();
    this.#missing.clear();
    this.#missingChars = 0;
    if (first) throw new PendingCall([first, ...others]);
  }

  /** Takes in the result: a JSON value. */
  answered({ called, request }: MissingCall, json: Uint8Array): void {
    try {
      this.#results.set(keyOf(called, request), { value: resultOf(called, json) });
    } catch (error) {
      if (!(error instanceof RowError)) throw error;
      this.#results.set(keyOf(called, request), { error });
    }
  }

  failed({ called, request }: MissingCall, reason: string): void {
    this.#results.set(keyOf(called, request), { error: callError(called, reason) });
  }
}

const keyOf = ({ name }: UserFunction, request: string): string => `${name} ${request}`;

/** What a function's JSON comes to as its declared type. Throws `RowError` with the function's name. */
function resultOf(called: UserFunction, json: Uint8Array): unknown {
  try {
    return jsonConverter(called.returns)(parseJson(json));
  } catch (error) {
    if (error instanceof DecodeError) throw callError(called, 'its result is not valid JSON');
    if (error instanceof RowError) throw callError(called, `its result does not fit: ${error.message}`);
    throw error;
  }
}

const reasonCharsMax = 500;

/** The reason may be a user's own text, of any length. */
function callError({ name }: UserFunction, reason: string): RowError {
  const shown = reason.length <= reasonCharsMax ? reason : `${reason.slice(0, reasonCharsMax)}...`;
  return new RowError('function_failed', `the function "${name}" failed: ${shown}`);
}
