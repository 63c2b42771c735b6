import {
  CallResults,
  type CompiledQuery,
  type DecodedMessage,
  type MissingCall,
  type OutputRow,
  PendingCall,
} from '@laminar/sql';
import { CallTurns } from './call-turns.js';

/** Evaluations of a pipeline that are under way at once, and calls that they make. */
const underWayMax = 256;
/** Beyond that many nothing more is taken before some are done. */
const takenMax = 512;

/** Makes calls of functions. */
export interface FunctionCaller {
  /** The result, a value in JSON. Rejects with an error whose message says why there is none. */
  call(missing: MissingCall): Promise<Uint8Array>;
}

/** What evaluating a message came to. */
export type Outcome = { readonly rows: readonly OutputRow[] } | { readonly error: unknown };

/** The rows; throws the error where there is one. */
export function rowsOf(outcome: Outcome): readonly OutputRow[] {
  if ('error' in outcome) throw outcome.error;
  return outcome.rows;
}

interface Evaluation {
  readonly message: DecodedMessage;
  /** Without an outcome where it was recalled before it came to any. */
  done(outcome: Outcome | undefined): void;
  outcome: Outcome | undefined;
}

/**
 * Evaluates messages for a query whose functions have to be waited for: a message is evaluated until it lacks results, and again when all of these are
 * there. Only calls that are reached are made; those of different messages are under way together. Outcomes are handed on in the order of the messages.
 */
export class AwaitedEvaluations {
  /** Oldest first: the first `#begun` are under way or done, the others wait. */
  #evaluations: Evaluation[] = [];
  #begun = 0;
  #underWay = 0;
  readonly #turns = new CallTurns(underWayMax);
  #ready: { readonly promise: Promise<void>; readonly resolve: () => void } | undefined;

  constructor(
    readonly query: CompiledQuery,
    readonly caller: FunctionCaller,
  ) {}

  /** `done` is called once, later, never within the call. */
  evaluate(message: DecodedMessage, done: Evaluation['done']): void {
    this.#evaluations.push({ message, done, outcome: undefined });
    this.#begin();
  }

  /** Resolves when more can be taken; undefined means now. */
  ready(): Promise<void> | undefined {
    if (this.#evaluations.length < takenMax) return undefined;
    if (!this.#ready) {
      let resolve = () => {};
      const promise = new Promise<void>((settle) => {
        resolve = settle;
      });
      this.#ready = { promise, resolve };
    }
    return this.#ready.promise;
  }

  /** Hands back what has no outcome that could be handed on, oldest first; calls that are under way come to nothing. */
  recall(): void {
    const recalled = this.#evaluations;
    this.#evaluations = [];
    this.#begun = 0;
    this.#underWay = 0;
    this.#letMore();
    for (const { done } of recalled) done(undefined);
  }

  #begin(): void {
    while (this.#underWay < underWayMax && this.#begun < this.#evaluations.length) {
      const evaluation = this.#evaluations[this.#begun++] as Evaluation;
      this.#underWay++;
      const all = this.#evaluations;
      // Recalled in the meantime.
      const isOver = () => all !== this.#evaluations;
      void this.#evaluate(evaluation.message, isOver).then((outcome) => {
        if (!outcome || isOver()) return;
        evaluation.outcome = outcome;
        this.#underWay--;
        this.#handOn();
        this.#begin();
      });
    }
  }

  /** What one message comes to, beside the others and their order. Never rejects. */
  async outcomeOf(message: DecodedMessage): Promise<Outcome> {
    return (await this.#evaluate(message, () => false)) as Outcome;
  }

  /** Undefined where it was over before it came to anything. */
  async #evaluate(message: DecodedMessage, isOver: () => boolean): Promise<Outcome | undefined> {
    const results = new CallResults();
    while (!isOver()) {
      try {
        return { rows: this.query.process(message, results) };
      } catch (error) {
        if (!(error instanceof PendingCall)) return { error };
        await Promise.all(error.calls.map((call) => this.#turns.take(() => this.#call(call, results, isOver))));
      }
    }
    return undefined;
  }

  async #call(call: MissingCall, results: CallResults, isOver: () => boolean): Promise<void> {
    if (isOver()) return;
    await this.caller.call(call).then(
      (json) => results.answered(call, json),
      (failure: unknown) => results.failed(call, failure instanceof Error ? failure.message : String(failure)),
    );
  }

  #handOn(): void {
    let count = 0;
    while (this.#evaluations[count]?.outcome !== undefined) count++;
    const ended = this.#evaluations.splice(0, count);
    this.#begun -= count;
    const all = this.#evaluations;
    // An outcome may have all of it recalled, those behind it too.
    for (const { outcome, done } of ended) done(all === this.#evaluations ? outcome : undefined);
    if (this.#evaluations.length < takenMax) this.#letMore();
  }

  #letMore(): void {
    this.#ready?.resolve();
    this.#ready = undefined;
  }
}
