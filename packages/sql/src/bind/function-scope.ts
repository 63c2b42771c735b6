import { SqlError } from '../errors.js';
import type { Functions, UserFunction } from '../user-functions.js';

/** Functions of SQL that call each other, at most. */
const depthMax = 32;
/** Bodies that are written out into one query, at most; functions that call others twice double with each level. */
const bodiesMax = 1000;

/** The functions that an expression may call, and how far their bodies may still be written out into it. */
export class FunctionScope {
  constructor(
    readonly functions: Functions,
    readonly depth = 0,
    readonly written = { bodies: 0 },
  ) {}

  /** The scope within the body of a function that is called at `offset`. Throws `SqlError` where there is no end to it. */
  enter({ name }: UserFunction, offset: number): FunctionScope {
    if (this.depth >= depthMax)
      throw new SqlError('too_large', `at "${name}" functions call each other deeper than ${depthMax} levels`, offset);
    if (++this.written.bodies > bodiesMax)
      throw new SqlError('too_large', `the query comes to more than ${bodiesMax} calls of functions`, offset);
    return new FunctionScope(this.functions, this.depth + 1, this.written);
  }
}
