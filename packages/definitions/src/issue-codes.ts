/** Every code of an `Issue`, with what it means and what to do: the `errors` of a problem, one by one. */
export const issueCodes = {
  missing_field: ['A member that must stand there is not there.', 'Add it.'],
  unknown_field: ['There is no member of that name.', 'Mind its spelling; the message names the nearest.'],
  read_only_field: ['The member is what the service says of a definition.', 'Leave it out.'],
  invalid_value: ['The value is of another type, or outside of what is allowed.', 'Give what the message asks for.'],
  missing_option: ['An option that this use of the connection or table needs is not given.', 'Give it.'],
  unknown_option: ['There is no option of that name.', 'Mind its spelling; the message names the nearest.'],
  invalid_option: ['The value of an option is none that it takes.', 'Give what the message asks for.'],
  option_does_not_apply: [
    'The option would have no effect in this use of the connection.',
    'Leave it out, or set what gives it its effect.',
  ],
  unknown_connector: ['There is no connector of that name.', 'Write `nats`.'],
  invalid_name: ['Definitions, arguments or columns cannot have that name.', 'Letters, digits, `_`, at most 63.'],
  name_differs: ['The name in the body is another than the one in the address.', 'Leave it out of the body.'],
  reserved_name: ['The name belongs to the language.', 'Take another one.'],
  invalid_type: ['There is no type of that name, or not for a column.', 'Take one of those that the message names.'],
  unknown_type: ['There is no type of that name.', 'Take one of those that the message names.'],
  no_columns: ['A table has no columns.', 'Name at least one.'],
  too_many_columns: ['A table has more columns than it may.', 'Read the rest from a column `payload` of type JSON.'],
  duplicate_column: ['Two columns have one name.', 'Rename one of them.'],
  unknown_column: [
    'Messages of that format or store have no such column.',
    'Take one of those that the message names.',
  ],
  needs_metadata: ['A metadata column is declared.', 'Set `include_metadata = true`.'],
  not_a_source: ['A table stands over a connection that is no source.', 'Name a connection of `type = source`.'],
  empty_query: ['The query is empty.', 'Write `SELECT ...`.'],
  query_too_large: ['The query is larger than it may be.', 'Divide it into several pipelines.'],
  feedback_loop: ['The pipeline would write what it reads.', 'Write to a subject that the source does not read.'],
  too_many_arguments: ['A function has more arguments than it may.', 'Pass one JSON object.'],
  duplicate_argument: ['Two arguments have one name.', 'Rename one of them.'],
  unknown_language: ['There is no such language of functions.', 'Take sql, nats or javascript.'],
  empty_body: ['The body of a function is empty.', 'Write an expression, a subject, or JavaScript.'],
  body_too_large: ['The body of a function is larger than it may be.', 'Make it smaller.'],
  invalid_subject: [
    'The body of a `LANGUAGE nats` function is no subject that can be asked.',
    'Write an exact subject.',
  ],
  server_too_old: [
    'A server of the connection is older than an option needs.',
    'Leave the option out, or bring the server up to date.',
  ],
  recursive_function: ['A function calls itself, by way of others perhaps.', 'Take one of the calls out.'],
} as const satisfies { readonly [code: string]: readonly [meaning: string, remedy: string] };

export type IssueCode = keyof typeof issueCodes;
