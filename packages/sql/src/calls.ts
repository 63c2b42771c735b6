import { DecodeError, parseJson } from '@laminar/codecs';
import { RowError } from './errors.js';
import type { UserFunction } from './user-functions.js';
import { jsonConverter } from './values/json-scalar.js';

/** Thrown by a query that needs a result which is not there yet: whoever evaluates it gets the result and evaluates it again. */
export class PendingCall extends Error {
  override readonly name = 'PendingCall';
  constructor(
    readonly called: UserFunction,
    /** The arguments as a JSON array. */
    readonly request: string,
  ) {
    super(`the result of "${called.name}" is not there yet`);
  }
}

/** What the calls of one message's evaluation have come to, so that evaluating it again goes on from there. The same call is made once. */
export class CallResults {
  readonly #results = new Map<string, { readonly value: unknown } | { readonly error: RowError }>();

  /** Throws `PendingCall` where there is no result yet, and the `RowError` of a call that failed. */
  get(called: UserFunction, request: string): unknown {
    const result = this.#results.get(keyOf(called, request));
    if (!result) throw new PendingCall(called, request);
    if ('error' in result) throw result.error;
    return result.value;
  }

  /** Takes in the result: a JSON value. */
  answered({ called, request }: PendingCall, json: Uint8Array): void {
    try {
      this.#results.set(keyOf(called, request), { value: resultOf(called, json) });
    } catch (error) {
      if (!(error instanceof RowError)) throw error;
      this.#results.set(keyOf(called, request), { error });
    }
  }

  failed({ called, request }: PendingCall, reason: string): void {
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
