/** What a code means, as a sentence, and what to do. */
type Note = readonly [meaning: string, remedy: string];

/** Every code of an error in a query, a script or a function's body: an `SqlError`. What to do is its hint where there is no better one. */
export const sqlErrorCodes = {
  syntax_error: ['The text is no SQL.', 'look at the caret: at what stands there, or is missing in front of it'],
  unsupported: ['PostgreSQL knows it, a pipeline does not.', 'leave it out; docs/reference/sql.md says what there is'],
  unknown_option: ['There is no such option.', 'see docs/reference for the options that there are'],
  unknown_column: ['A known table has no such column.', 'DESCRIBE shows the columns of a table'],
  unknown_type: ['There is no such type.', 'take one of the types of docs/reference/sql.md'],
  unknown_table: [
    'A name cannot be read, or written to, here.',
    'rows are read from a connection of type source or a table, and go into a connection of type sink',
  ],
  unknown_function: [
    'A live query calls a function that there is not; a pipeline waits for it.',
    'see the functions in docs/reference/sql.md, or write CREATE FUNCTION',
  ],
  invalid_name: [
    'A definition cannot have that name.',
    'a name begins with a letter or _, goes on with letters, digits, _ and -, and has at most 63 characters',
  ],
  type_mismatch: ['A value of another type is wanted.', 'convert it: CAST(... AS type)'],
  always_fails: [
    'An expression of constants fails, and so would every row.',
    'correct the constants; what a row may need stands in a branch of CASE',
  ],
  duplicate_column: ['Two output columns have one name.', 'give one of them another name with AS'],
  unnamed_column: ['An output column has no name.', 'give it one: ... AS name'],
  too_large: [
    'The query or script, or what it comes to, is larger or deeper nested than it may be.',
    'divide it into several, or compute less in it',
  ],
} as const satisfies { readonly [code: string]: Note };

export type SqlErrorCode = keyof typeof sqlErrorCodes;

/** Every code of what goes wrong in a row, and goes the way of the pipeline's `on_error`: a `RowError`. */
export const rowErrorCodes = {
  division_by_zero: ['A number is divided by zero.', '`a / NULLIF(b, 0)` gives NULL instead.'],
  out_of_range: ['A number or a time is outside the range of its type.', 'Cast to a wider type, such as NUMERIC.'],
  invalid_value: [
    'A text, or a value of JSON, cannot be read as a type.',
    'Test it first: `CASE WHEN x ~ ... THEN CAST(x AS type) END`.',
  ],
  wrong_kind: [
    'A value of JSON is of another kind than wanted, such as an object where a number is.',
    'Reach into it with `->`, or test it with `jsonb_typeof(x)`.',
  ],
  invalid_argument: ['A function cannot work with its argument.', 'See what the function says of it.'],
  invalid_number: ['A number is no NUMERIC, as NaN is none.', 'Leave it a DOUBLE PRECISION.'],
  numeric_overflow: ['A NUMERIC has too many digits.', 'Round it, or compute in DOUBLE PRECISION.'],
  invalid_regex: ['A pattern from data is no regular expression.', 'Write the pattern into the query if it can be.'],
  null_key: ['A key of an object is NULL.', "`COALESCE(key, '')`, or leave the message out by WHERE."],
  too_large: ['A text or a row is larger than it may become.', 'Cut it: `left(text, n)`.'],
  too_many_rows: [
    'A message comes to more rows, or more bytes of rows, than one message may.',
    'Leave some out by WHERE, or ask for fewer fields.',
  ],
  invalid_subject: [
    'A row names no subject that it can be published to: NULL, wildcards, or one that belongs to NATS or the mesh.',
    'Check the subject in WHERE.',
  ],
  invalid_header: ['A header has a name or value that NATS cannot carry.', 'Leave out control characters.'],
  no_reply_subject: ['A reply has nowhere to go: the message is no request.', 'WHERE _nats_reply IS NOT NULL'],
  function_failed: [
    "A user's function gave an error, no answer in time, or a result of another type.",
    'The message has its reason; see the function.',
  ],
} as const satisfies { readonly [code: string]: Note };

export type RowErrorCode = keyof typeof rowErrorCodes;
