/** Every code of a warning, with what it means and what to do: what was accepted, or answered, and may need attention. */
export const warningCodes = {
  missing_relation: ['A connection, table or sink that is named is not there; the state is `blocked`.', 'Define it.'],
  missing_function: ['A function that is called is not there; the state is `blocked`.', 'Define it.'],
  missing_secret: ['A secret that is referred to is not there; the connection is `blocked`.', 'Store it.'],
  missing_file: ['A file that is named is not there; the connection is `blocked` while it is not.', 'Put it there.'],
  missing_stream: [
    'The server has no such stream, or it takes nothing of what the connection reads or writes; a connection without its stream is `blocked`.',
    'Create it, or name another one.',
  ],
  unreadable_file: ['A file that is named cannot be read.', 'Let the services read it.'],
  not_permitted: ["The connection's own `permissions` do not allow its subjects.", 'Change one of them.'],
  server_unchecked: [
    'An option needs a newer server than some are, and no server could be asked.',
    'The state of the connection says whether it has it.',
  ],
  no_effect: ['An option is set that has no effect as things are.', 'Leave it out, or change what the message names.'],
  never_redelivered: [
    'A pipeline would try messages again that its source sends only once.',
    "`on_error = 'dead_letter'` keeps what fails.",
  ],
  delivery_not_kept: [
    'The connections of a pipeline cannot keep the `delivery` or `reader` that it asks for; it does not run.',
    'Do what the message says: it runs as soon as they can.',
  ],
  query_broken: ['The query was accepted, and does not bind any more.', 'Change it, or what it stands on.'],
  pipeline_broken: ['A pipeline does not hold with this change.', 'Change the pipeline, or take the change back.'],
  dropped_too: ['Another definition was dropped with this one (CASCADE).', 'Nothing; the event log has it.'],
  own_consumer: [
    'A live query reads by a consumer of its own, so that `_nats_delivered` is 1.',
    'Ask a pipeline where redeliveries count.',
  ],
  no_past: [
    'A live query over a connection without JetStream asks for the past.',
    'Only messages that come from now on are read.',
  ],
  not_run: ['A rehearsal reads nothing.', 'Send the script without `dry_run`.'],
  failed_messages: ['Messages could not be read or computed, and are not among the rows.', 'See the first failure.'],
  cut: ['There were more rows than one answer holds.', 'Ask for fewer by LIMIT or WHERE.'],
  interrupted: ['The live query ended before its time.', 'Ask again.'],
} as const satisfies { readonly [code: string]: readonly [meaning: string, remedy: string] };

export type WarningCode = keyof typeof warningCodes;
