import { type SqlErrorCode, sqlErrorCodes } from '@laminar/sql';

interface ProblemKind {
  readonly status: number;
  readonly meaning: string;
  /** What to do. */
  readonly remedy: string;
}

const ownCodes = {
  malformed_json: {
    status: 400,
    meaning: 'The body is no JSON, nested too deep, names a member twice, or holds what no definition can.',
    remedy: 'Send JSON; the position says where it is none.',
  },
  missing_body: { status: 400, meaning: 'The request needs a body.', remedy: 'Send one.' },
  unexpected_body: { status: 400, meaning: 'The request takes no body.', remedy: 'Leave it out.' },
  invalid_parameter: {
    status: 400,
    meaning: 'A query parameter has a value that it cannot have.',
    remedy: 'Give a value that the message asks for.',
  },
  unknown_parameter: {
    status: 400,
    meaning: 'There is no query parameter of that name.',
    remedy: 'Mind its spelling; see /openapi.json.',
  },
  invalid_header: {
    status: 400,
    meaning: 'A header cannot be read.',
    remedy: 'Give it the form that the message names.',
  },
  malformed_request: { status: 400, meaning: 'The request is not one that HTTP allows.', remedy: 'Mend the client.' },
  unauthorized: {
    status: 401,
    meaning: 'The request carries no bearer key that is known.',
    remedy: 'Send `Authorization: Bearer <key>` with one of LAMINAR_API_KEYS.',
  },
  not_found: {
    status: 404,
    meaning: 'There is no definition of that name.',
    remedy: 'Mind its spelling; the list of its kind shows what there is.',
  },
  version_not_found: {
    status: 404,
    meaning: 'The definition did not exist at that version, revision or time.',
    remedy: 'See the history of the definition.',
  },
  dead_letter_not_found: {
    status: 404,
    meaning: 'There is no dead letter of that id; one that was processed is gone.',
    remedy: 'List the dead letters.',
  },
  route_not_found: { status: 404, meaning: 'There is no such address.', remedy: 'See /openapi.json.' },
  method_not_allowed: {
    status: 405,
    meaning: 'The address exists, but not for this method; see the header Allow.',
    remedy: 'Use one of those methods.',
  },
  not_acceptable: {
    status: 406,
    meaning: 'The answer is of none of the media types that the request accepts.',
    remedy: 'Accept `application/json`, or what the message names.',
  },
  already_exists: {
    status: 409,
    meaning: 'The name is taken.',
    remedy: 'Take another name, or PUT, or CREATE OR REPLACE.',
  },
  in_use: {
    status: 409,
    meaning: 'Other definitions name this one.',
    remedy: 'Drop those first, or ask for it: `?cascade=true`, CASCADE.',
  },
  conflict: {
    status: 409,
    meaning: 'The definition cannot stand beside another one, or newer software wrote it.',
    remedy: 'Change what the message names, or upgrade the service.',
  },
  not_retryable: {
    status: 409,
    meaning: 'The pipeline that the dead letter is of is gone, or stopped.',
    remedy: 'Create or start the pipeline, then try again.',
  },
  not_permitted: {
    status: 409,
    meaning: "The connection's own permissions do not allow what the query reads.",
    remedy: 'Change `permissions` of the connection, or what is read.',
  },
  definition_changed: {
    status: 409,
    meaning: 'What a live query reads was changed or dropped while it ran.',
    remedy: 'Ask again.',
  },
  precondition_failed: {
    status: 412,
    meaning: 'The definition is not at the revision that the request asks for.',
    remedy: 'Read it again, and decide anew.',
  },
  body_too_large: { status: 413, meaning: 'The body is larger than 1 MiB.', remedy: 'Divide it.' },
  definition_too_large: { status: 413, meaning: 'The definition is larger than 512 KiB.', remedy: 'Make it smaller.' },
  unsupported_media_type: {
    status: 415,
    meaning: 'The body is of a type that is not taken here.',
    remedy: 'Send `Content-Type: application/json`.',
  },
  invalid_body: {
    status: 422,
    meaning: 'The body does not have the form that the request needs.',
    remedy: 'See `errors`, each with its pointer.',
  },
  invalid_definition: {
    status: 422,
    meaning: 'The definition does not hold; `errors` says why.',
    remedy: 'See `errors`, each with its pointer or position.',
  },
  invalid_query: {
    status: 422,
    meaning: 'The query over system tables is refused by SQLite.',
    remedy: 'Write what SQLite understands; system tables are only read.',
  },
  too_many_followers: {
    status: 429,
    meaning: 'As many clients follow the events as this service serves.',
    remedy: 'Try again later, or page through the events.',
  },
  too_many_queries: {
    status: 429,
    meaning: 'As many live queries run as the services take.',
    remedy: 'Try again when others have ended.',
  },
  internal_error: {
    status: 500,
    meaning: 'A fault of the service; its log says more.',
    remedy: 'Report it, with the log of the service.',
  },
  bus_unavailable: {
    status: 503,
    meaning: "The mesh's bus does not answer.",
    remedy: 'Try again; Retry-After says when.',
  },
  not_ready: {
    status: 503,
    meaning: 'The service has not caught up with the event log.',
    remedy: 'Try again; /readyz says what it waits for.',
  },
  secrets_unavailable: {
    status: 503,
    meaning: 'No secret can be stored: LAMINAR_SECRETS_KEY is not set.',
    remedy: 'Set LAMINAR_SECRETS_KEY and restart the service.',
  },
  query_unavailable: {
    status: 503,
    meaning: 'No query service is there to answer.',
    remedy: 'Start a query service, or wait until it is ready.',
  },
  ingestion_unavailable: {
    status: 503,
    meaning: 'No ingestion service is there to answer.',
    remedy: 'Start an ingestion service.',
  },
  connection_unavailable: {
    status: 503,
    meaning: 'The connection that a live query reads cannot be used; test it (POST /api/v1/connections/{name}/test).',
    remedy: 'Test the connection.',
  },
  messages_too_fast: {
    status: 503,
    meaning: 'Messages of a connection without JetStream come faster than the live query takes them.',
    remedy: 'Ask for fewer by WHERE, or read faster.',
  },
  not_running: {
    status: 503,
    meaning: 'No instance runs the pipeline at the moment.',
    remedy: 'Start the pipeline, or wait until an instance took it.',
  },
  retry_timeout: {
    status: 504,
    meaning: 'The dead letter was not processed in time; it may still be.',
    remedy: 'Look whether the dead letter is still there.',
  },
  not_applied: {
    status: 504,
    meaning: 'The write is stored, but was not in effect everywhere in time.',
    remedy: 'Ask with `?wait=applied` again; the status says which instance lacks it.',
  },
  query_timeout: {
    status: 504,
    meaning: 'The query over system tables took longer than it may.',
    remedy: 'Narrow it down, or give a larger `timeout_ms`.',
  },
} as const satisfies { readonly [code: string]: ProblemKind };

export type ProblemCode = keyof typeof ownCodes | SqlErrorCode;

const sentence = (hint: string): string => `${hint.charAt(0).toUpperCase()}${hint.slice(1)}.`;

/**
 * Every `code` of a problem that the service answers with. The OpenAPI document and the reference are written from this table; what is wrong with SQL
 * is said by the codes of `SqlError`, with status 422.
 */
export const problemCodes: { readonly [code in ProblemCode]: ProblemKind } = {
  ...ownCodes,
  ...(Object.fromEntries(
    Object.entries(sqlErrorCodes).map(([code, [meaning, remedy]]) => [
      code,
      { status: 422, meaning, remedy: sentence(remedy) },
    ]),
  ) as { [code in SqlErrorCode]: ProblemKind }),
};
