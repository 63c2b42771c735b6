import type { SqlErrorCode } from '../errors.js';

/** What each code of an error in a query or script means. */
export const errorNotes: { readonly [code in SqlErrorCode]: string } = {
  syntax_error: 'the text is no SQL',
  unsupported: 'PostgreSQL knows it, a pipeline does not',
  unknown_option: 'there is no such option',
  unknown_column: 'a known table has no such column',
  unknown_type: 'there is no such type',
  invalid_name: 'a name is longer, or of other characters, than names are',
  type_mismatch: 'a value of another type is wanted',
  duplicate_column: 'two output columns have one name',
  unnamed_column: 'an output column has no name',
  unknown_table: 'a name cannot be read, or written to, here',
  unknown_function: 'a live query calls a function that there is not; a pipeline waits for it',
  too_large: 'the query, or what it comes to, is larger than queries may be',
};

/** What goes wrong in a row, and goes the way of the pipeline's `on_error`. */
export const rowErrorNotes: { readonly [code: string]: string } = {
  division_by_zero: 'a number is divided by zero',
  out_of_range: 'a number or a time is outside the range of its type',
  invalid_value: 'a text, or a value of JSON, cannot be read as a type',
  wrong_kind: 'a value of JSON is of another kind than wanted',
  invalid_argument: 'a function cannot work with its argument',
  invalid_number: 'a number is no NUMERIC, as NaN is none',
  numeric_overflow: 'a NUMERIC has too many digits',
  invalid_regex: 'a pattern from data is no regular expression',
  null_key: 'a key of an object is NULL',
  too_large: 'a text is larger than functions may build',
  too_many_rows: 'a message comes to more rows, or more bytes of rows, than one message may',
  invalid_subject: 'a row names no subject that it can be published to',
  invalid_header: 'a header has a name or value that NATS cannot carry',
};
