import { RowError } from '../errors.js';

/**
 * What failed at a row, as a `RowError` that says where in the query: `offset`, in code points from 0; 0 where nobody knows. Undefined for what is no failure of
 * a row. What JavaScript itself cannot hold is too large, whatever it was about to become.
 */
export function rowFailure(error: unknown, offset: number): RowError | undefined {
  const failure =
    error instanceof RangeError
      ? new RowError('too_large', 'the row, or a value in it, is larger or deeper nested than can be held')
      : error;
  if (!(failure instanceof RowError)) return undefined;
  if (failure.offset !== undefined || offset === 0) return failure;
  // Whoever made the query has to look for it there: the row alone does not say what grew.
  if (failure.code === 'too_large')
    return new RowError(failure.code, `${failure.message}, at character ${offset + 1} of the query`, offset);
  failure.offset = offset;
  return failure;
}
