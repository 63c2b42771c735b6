import { randomUUID } from 'node:crypto';
import type { QuickJSContext, QuickJSHandle, QuickJSRuntime, QuickJSWASMModule } from 'quickjs-emscripten-core';
import { type FunctionSource, functionText } from './function-source.js';
import { hardenText } from './harden.js';
import { callTimeMsMax, memoryBytesMax } from './limits.js';

const stackBytesMax = 256 * 1024;
/** Loading a function runs nothing but the definition; slow machines get their time. */
const loadTimeMsMax = 2000;

/** What a call came to: the JSON text of its value, or why there is none. */
export type CallOutcome = { readonly json: string } | { readonly error: string };

/** One function in an interpreter of its own, which knows nothing of the host and of other functions. */
export class Interpreter {
  readonly #runtime: QuickJSRuntime;
  readonly #context: QuickJSContext;
  readonly #function: QuickJSHandle;
  /** Stands before integers beyond 2^53; random, so that no text of a user begins with it. */
  readonly #mark = randomUUID();
  readonly #marked = new RegExp(`"${this.#mark}(-?\\d+)"`, 'g');
  #deadlineMs = 0;
  /** It is not what it was: it ran out of time or memory, or left something to do behind. */
  spoiled = false;

  /** Throws an `Error` that says what is wrong with the function. */
  constructor(quickjs: QuickJSWASMModule, source: FunctionSource) {
    this.#runtime = quickjs.newRuntime({
      memoryLimitBytes: memoryBytesMax,
      maxStackSizeBytes: stackBytesMax,
      interruptHandler: () => performance.now() > this.#deadlineMs,
    });
    this.#context = this.#runtime.newContext();
    this.#deadlineMs = performance.now() + loadTimeMsMax;
    // An interpreter cannot be let go of while something in it is held.
    const held: QuickJSHandle[] = [];
    const hold = (handle: QuickJSHandle): QuickJSHandle => {
      held.push(handle);
      return handle;
    };
    try {
      const harden = hold(this.#evaluate(hardenText));
      const wrap = hold(this.#call(harden, hold(this.#context.newString(this.#mark))));
      this.#function = this.#call(wrap, hold(this.#evaluate(functionText(source))));
    } catch (error) {
      for (const handle of held.splice(0)) handle.dispose();
      this.#context.dispose();
      this.#runtime.dispose();
      throw error;
    } finally {
      for (const handle of held) handle.dispose();
    }
  }

  /** `request` is the JSON text of an array of arguments. */
  call(request: string): CallOutcome {
    const argument = this.#context.newString(longInteger.test(request) ? this.#marking(request) : request);
    this.#deadlineMs = performance.now() + callTimeMsMax;
    const result = this.#context.callFunction(this.#function, this.#context.undefined, argument);
    argument.dispose();
    if (result.error) {
      this.spoiled = true;
      const error: unknown = this.#context.dump(result.error);
      result.error.dispose();
      return { error: reasonOf(error) };
    }
    const text = this.#context.getString(result.value);
    result.value.dispose();
    if (this.#runtime.hasPendingJob()) this.spoiled = true;
    if (text.startsWith('+')) return { json: text.slice(1).replace(this.#marked, '$1') };
    const error = text.slice(1);
    if (error.endsWith(outOfMemory)) this.spoiled = true;
    return { error: error.replace(/^InternalError: /, '') };
  }

  dispose(): void {
    this.#function.dispose();
    this.#context.dispose();
    this.#runtime.dispose();
  }

  #marking(request: string): string {
    return request.replace(token, (found) =>
      isLong.test(found) && !Number.isSafeInteger(Number(found)) ? `"${this.#mark}${found}"` : found,
    );
  }

  #evaluate(text: string): QuickJSHandle {
    return this.#valueOf(this.#context.evalCode(text, 'function'));
  }

  #call(called: QuickJSHandle, argument: QuickJSHandle): QuickJSHandle {
    return this.#valueOf(this.#context.callFunction(called, this.#context.undefined, argument));
  }

  #valueOf(result: ReturnType<QuickJSContext['callFunction']>): QuickJSHandle {
    if (!result.error) return result.value;
    const error: unknown = this.#context.dump(result.error);
    result.error.dispose();
    throw new Error(reasonOf(error));
  }
}

const outOfMemory = 'out of memory';
/** A cheap guess that never misses. */
const longInteger = /\d{16}/;
const isLong = /^-?\d{16,}$/;
/** A string or a number of JSON. */
const token = /"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;

function reasonOf(error: unknown): string {
  const message =
    typeof error === 'object' && error !== null && 'message' in error ? String(error.message) : String(error);
  return message === 'interrupted' ? `it ran longer than ${callTimeMsMax} ms` : message;
}
