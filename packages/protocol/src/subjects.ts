/** The subjects of the mesh's own bus. Names of definitions and instances are valid subject tokens by construction. */
export const subjects = {
  /** Rows of a pipeline without `INSERT INTO`. */
  output: (pipeline: string): string => `laminar.output.${pipeline}`,
  status: (instance: string): string => `laminar.status.${instance}`,
  everyStatus: 'laminar.status.*',
  /** A message here asks every instance for its whole status. */
  statusRequest: 'laminar.status_request',
  /** Each part holds its own connections and pipelines and replaces what it said before. */
  metrics: (instance: string, part: number): string => `laminar.metrics.${instance}.${part}`,
  everyMetrics: 'laminar.metrics.*.*',
  logs: (instance: string): string => `laminar.logs.${instance}`,
  everyLog: 'laminar.logs.*',
  /** The last message of each is the dead letter as it stands. */
  deadLetter: (id: string): string => `laminar.dead_letters.${id}`,
  /** An id is `<connection>.<token>`. */
  everyDeadLetter: 'laminar.dead_letters.*.*',
  /** Asks whoever reads a connection to process one of its dead letters again; `owner` is the pipeline by whose own reader the message came. */
  deadLetterRetry: (connection: string, owner: string | undefined): string =>
    `laminar.dead_letter_retry.${owner === undefined ? connection : `${connection}.${owner}`}`,
  /** Read-only SQL over `system.*`, asked of any query service. */
  querySql: 'laminar.query.sql',
  /** Live queries, asked of any ingestion instance. */
  liveQuery: 'laminar.ingestion.live',
  /** Tests of connections, asked of any ingestion instance. */
  connectionTest: 'laminar.ingestion.test',
  /** Versions of servers, asked of any ingestion instance. */
  serverVersions: 'laminar.ingestion.versions',
} as const;

/**
 * Says whether a subject that comes from message data may be published to: no wildcards, no empty
 * tokens, no white space, and nothing under `$` or `laminar.`, so that a sender cannot make the mesh
 * call a JetStream API or write its log.
 */
export function isPublishableSubject(subject: string): boolean {
  return (
    subject.length > 0 &&
    !subject.startsWith('$') &&
    !subject.startsWith('laminar.') &&
    subject !== 'laminar' &&
    !subject.startsWith('.') &&
    !subject.endsWith('.') &&
    !subject.includes('..') &&
    !/[\s*>\p{Cc}]/u.test(subject)
  );
}
