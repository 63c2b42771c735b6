import type { Statement } from '../contract.js';

/** A statement, as the grammar and the reference see it. */
export interface StatementForm {
  /** The words that it is known by; it begins with the first of them. */
  readonly words: readonly string[];
  readonly syntax: string;
  /** What it does. */
  readonly summary: string;
  /** It follows the examples of the forms before it. */
  readonly example: string;
}

/** Every form of a statement, in the order in which people need them. */
export const statementForms: { readonly [type in Statement['type']]: StatementForm } = {
  create_connection: {
    words: ['create', 'connection'],
    syntax: 'CREATE [OR REPLACE] CONNECTION [IF NOT EXISTS] name TO nats ( option = value, ... )',
    summary:
      'Defines how to reach a NATS system and what to read or write there. Its options are on the page of [connection options](connection-options.md).',
    example:
      "CREATE CONNECTION shop TO nats (servers = 'nats://localhost:4222', subject = 'orders.>', type = 'source', format = 'json')",
  },
  create_table: {
    words: ['create', 'table'],
    syntax:
      "CREATE [OR REPLACE] TABLE [IF NOT EXISTS] name ( column TYPE, ... ) WITH ( connector = 'connection', option = value, ... )",
    summary:
      'Gives typed columns to the messages of a source connection. Its options are on the page of [table options](table-options.md).',
    example:
      "CREATE TABLE orders (id BIGINT, total NUMERIC, _nats_subject TEXT) WITH (connector = 'shop', include_metadata = true)",
  },
  create_function: {
    words: ['create', 'function'],
    syntax:
      "CREATE [OR REPLACE] FUNCTION name ( argument TYPE, ... ) RETURNS TYPE LANGUAGE { sql | nats | javascript } AS 'body'",
    summary:
      "Defines a scalar function. The body is one expression (sql), the statements of a function (javascript), or the subject of a request on the mesh's bus (nats): the arguments go out as a JSON array, the reply is the value.",
    example: "CREATE FUNCTION gross (net NUMERIC) RETURNS NUMERIC LANGUAGE sql AS 'round(net * 1.19, 2)'",
  },
  create_pipeline: {
    words: ['create', 'pipeline'],
    syntax: 'CREATE [OR REPLACE] PIPELINE [IF NOT EXISTS] name [WITH ( option = value, ... )] AS query',
    summary:
      "Defines a query that runs on every message from now on. Its rows go into the sink behind INSERT INTO, or to `laminar.output.<name>` on the mesh's bus. Its options are on the page of [pipeline options](pipeline-options.md).",
    example:
      "CREATE PIPELINE dear WITH (on_error = 'skip') AS SELECT id, gross(total) AS gross FROM orders WHERE total > 100",
  },
  alter: {
    words: ['alter'],
    syntax: 'ALTER CONNECTION | TABLE | PIPELINE name SET ( option = value, ... )',
    summary: 'Sets options of a definition and leaves its others as they are.',
    example: "ALTER CONNECTION shop SET (batch_size = 100, description = 'Orders of the shop.')",
  },
  stop_pipeline: {
    words: ['stop'],
    syntax: 'STOP PIPELINE name',
    summary: 'Ends the processing of messages; the definition, and a durable consumer, stay.',
    example: 'STOP PIPELINE dear',
  },
  start_pipeline: {
    words: ['start'],
    syntax: 'START PIPELINE name',
    summary: 'Lets a pipeline that was stopped go on.',
    example: 'START PIPELINE dear',
  },
  show: {
    words: ['show'],
    syntax: 'SHOW CONNECTIONS | TABLES | PIPELINES | FUNCTIONS',
    summary: 'A row for each definition of the kind, with its state.',
    example: 'SHOW PIPELINES',
  },
  describe: {
    words: ['describe'],
    syntax: 'DESCRIBE name',
    summary: 'The properties of whatever has that name: columns, options, query, state.',
    example: 'DESCRIBE orders',
  },
  explain: {
    words: ['explain'],
    syntax: 'EXPLAIN query',
    summary:
      'What would become of a message: where it is read, which conditions decide, which fields are looked at, what goes out, where to, how often and why. Nothing runs.',
    example: 'EXPLAIN SELECT id, gross(total) AS gross FROM orders WHERE total > 100',
  },
  test_connection: {
    words: ['select', 'test_connection'],
    syntax: "SELECT test_connection('name')",
    summary:
      'A row for each check of a connection: reach, TLS, authentication, permissions, stream, consumer, a sample.',
    example: "SELECT test_connection('shop')",
  },
  select: {
    words: ['select'],
    syntax: 'SELECT ... FROM connection | table | system.table [WHERE condition] [LIMIT n]',
    summary:
      'Over a connection or a table a live query: rows as messages arrive, until LIMIT or `timeout_ms`; no pipeline notices. Over `system.*` tables rows of the state of the mesh, by SQLite, which gets the query as it is written.',
    example: 'SELECT id, _nats_subject FROM orders LIMIT 10',
  },
  drop: {
    words: ['drop'],
    syntax: 'DROP CONNECTION | TABLE | PIPELINE | FUNCTION [IF EXISTS] name [CASCADE]',
    summary: 'Ends a definition; with CASCADE those that name it too, without it such a one is refused.',
    example: 'DROP CONNECTION IF EXISTS shop CASCADE',
  },
};

/** The words that begin a statement; WITH begins a query. */
export const firstWords: readonly string[] = [
  ...new Set([...Object.values(statementForms).map(({ words }) => words[0] ?? ''), 'with']),
];

/** What is said where CREATE is followed by nothing that can be created. */
export const creatableHint =
  'CONNECTION, TABLE, PIPELINE and FUNCTION can be created; what PostgreSQL calls a view is a pipeline';

/** The form that words are meant as, the first that fits; undefined where there is none. */
export function formOf(words: readonly string[]): StatementForm | undefined {
  return Object.values(statementForms).find(
    (form) => words[0] === form.words[0] && form.words.every((word) => words.includes(word)),
  );
}
