/** Functions that PostgreSQL has and this dialect does not, each with what to do instead. */
export const refusedFunctions: { readonly [name: string]: string } = {
  random: 'a message that is read again must give the same row; HASH(x) % n spreads messages evenly',
  gen_random_uuid: 'a message that is read again must give the same row; use md5(...) of what identifies it',
  uuidv4: 'a message that is read again must give the same row; use md5(...) of what identifies it',
  clock_timestamp: 'now() is the time at which a row is made',
  statement_timestamp: 'now() is the time at which a row is made',
  regexp_matches: 'regexp_match gives the first match',
  json_to_record: 'take members with ->',
  jsonb_to_record: 'take members with ->',
  json_to_recordset: 'write FROM ..., json_array_elements(...) AS item, and take members with item->',
  jsonb_to_recordset: 'write FROM ..., jsonb_array_elements(...) AS item, and take members with item->',
  jsonb_path_query: 'reach the array with #>, and take it apart with jsonb_array_elements',
  pg_sleep: 'a pipeline never waits',
  current_setting: 'there are no settings',
  nextval: 'there are no sequences; _nats_sequence numbers the messages of a stream',
};
