import { index, integer, primaryKey, real, sqliteTable, text } from 'drizzle-orm/sqlite-core';

// The tables as users see them under `system.`: the file is attached under that name, which is why they are declared without it.
// Moments are ISO 8601 in UTC, and JSON is text. Keys say what a row is about.

/** One row per defined connection, whatever its state. Counters are sums over all instances that ever ran it. */
export const natsConnections = sqliteTable('nats_connections', {
  connection_name: text().primaryKey(),
  server_url: text().notNull(),
  state: text().notNull(),
  subscriptions_count: integer().notNull(),
  messages_received: integer().notNull(),
  bytes_received: integer().notNull(),
  messages_dropped: integer().notNull(),
  reconnects: integer().notNull(),
  last_error: text(),
  /** The instances that hold it now, separated by commas. */
  instance: text().notNull(),
  /** The longest among its sockets. */
  rtt_ms: real(),
  updated_at: text().notNull(),
});

/** One row per consumer that a live instance reads from. */
export const natsJetstreamConsumers = sqliteTable(
  'nats_jetstream_consumers',
  {
    connection_name: text().notNull(),
    stream_name: text().notNull(),
    consumer_name: text().notNull(),
    pending_messages: integer().notNull(),
    ack_pending: integer().notNull(),
    redelivered: integer().notNull(),
    waiting_pulls: integer().notNull(),
    last_delivered: integer().notNull(),
    /** What is still to be done: pending and ack pending. */
    lag: integer().notNull(),
    exhausted: integer().notNull(),
    updated_at: text().notNull(),
  },
  (table) => [primaryKey({ columns: [table.connection_name, table.stream_name, table.consumer_name] })],
);

/** One row per open socket of a connection. */
export const natsServerInfo = sqliteTable(
  'nats_server_info',
  {
    connection: text().notNull(),
    server_id: text().notNull(),
    server_name: text().notNull(),
    version: text().notNull(),
    host: text().notNull(),
    port: integer().notNull(),
    cluster: text().notNull(),
    jetstream: integer().notNull(),
    tls_required: integer().notNull(),
    auth_required: integer().notNull(),
    max_payload: integer().notNull(),
    client_id: integer().notNull(),
    updated_at: text().notNull(),
  },
  (table) => [primaryKey({ columns: [table.connection, table.server_id, table.client_id] })],
);

/** One row per defined pipeline. Counters are sums over all instances that ever ran it. */
export const pipelines = sqliteTable('pipelines', {
  name: text().primaryKey(),
  state: text().notNull(),
  /** How many run it now. */
  instances: integer().notNull(),
  messages_in: integer().notNull(),
  messages_out: integer().notNull(),
  errors: integer().notNull(),
  dead_letters: integer().notNull(),
  /** Of the last minute; NULL where nothing was processed in it. */
  latency_p50_ms: real(),
  latency_p99_ms: real(),
  last_error: text(),
  updated_at: text().notNull(),
});

/** What each live instance says of a pipeline. */
export const pipelineInstances = sqliteTable(
  'pipeline_instances',
  {
    pipeline: text().notNull(),
    instance: text().notNull(),
    desired_revision: integer().notNull(),
    applied_revision: integer().notNull(),
    state: text().notNull(),
    message: text().notNull(),
    updated_at: text().notNull(),
  },
  (table) => [primaryKey({ columns: [table.pipeline, table.instance] })],
);

/**
 * One row per message that could not be processed, as the bus keeps them. `pipeline` is NULL where no pipeline got to see it; `payload` is text where
 * it is UTF-8, else base64; `headers` are those of the message. The rowid is the letter's place in its stream.
 */
export const deadLetters = sqliteTable(
  'dead_letters',
  {
    id: text().primaryKey(),
    timestamp: text().notNull(),
    connection: text().notNull(),
    pipeline: text(),
    /** Empty where the message is gone. */
    subject: text().notNull(),
    /** In the source's stream; NULL for core. */
    sequence: integer(),
    error: text().notNull(),
    payload: text().notNull(),
    headers: text(),
    definition_revision: integer().notNull(),
  },
  (table) => [index('dead_letters_connection').on(table.connection)],
);

/** The fold of the event log: what is defined now. */
export const definitions = sqliteTable(
  'definitions',
  {
    kind: text().notNull(),
    name: text().notNull(),
    version: integer().notNull(),
    revision: integer().notNull(),
    /** The revision of the event that created it; NULL while it is quarantined, as are all columns that only a readable definition has. */
    incarnation: integer(),
    created_at: text(),
    updated_at: text(),
    actor: text(),
    /** `running` or `stopped`; NULL for what is no pipeline. */
    desired: text(),
    definition: text(),
    /** Why nobody acts on it; NULL where all is well. */
    quarantined: text(),
  },
  (table) => [primaryKey({ columns: [table.kind, table.name] })],
);

/** The event log, one row per entry. */
export const definitionEvents = sqliteTable(
  'definition_events',
  {
    revision: integer().primaryKey(),
    kind: text(),
    name: text(),
    version: integer(),
    /** NULL where the entry cannot be read. */
    type: text(),
    at: text().notNull(),
    actor: text(),
    traceparent: text(),
    /** The definition that the event carries; NULL for one that carries none. */
    definition: text(),
    /** The version that a rollback went back to. */
    to_version: integer(),
    event_id: text(),
    /** Why the entry cannot be read; NULL where it can. */
    problem: text(),
  },
  (table) => [index('definition_events_name').on(table.kind, table.name)],
);

/** One row per ingestion process that is alive. */
export const workers = sqliteTable('workers', {
  instance: text().primaryKey(),
  host: text().notNull(),
  pid: integer().notNull(),
  started_at: text().notNull(),
  heartbeat_at: text().notNull(),
  readers: integer().notNull(),
});

/**
 * Spans as they came in by OTLP. They are kept nowhere else: deleting the file loses them. Their moments have nine digits of a second, so that
 * they sort as they happened.
 */
export const spans = sqliteTable(
  'spans',
  {
    trace_id: text().notNull(),
    span_id: text().notNull(),
    /** NULL for the root of a trace. */
    parent_span_id: text(),
    service: text().notNull(),
    name: text().notNull(),
    kind: text().notNull(),
    start_time: text().notNull(),
    end_time: text().notNull(),
    duration_ms: real().notNull(),
    status: text().notNull(),
    attributes: text().notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.trace_id, table.span_id] }),
    index('spans_start_time').on(table.start_time),
    index('spans_name').on(table.name),
  ],
);

/** What connections did, as they said it. Moments have six digits of a second, so that they sort as they were said. Kept nowhere else. */
export const natsLogs = sqliteTable(
  'nats_logs',
  {
    timestamp: text().notNull(),
    connection: text().notNull(),
    level: text().notNull(),
    message: text().notNull(),
    attributes: text().notNull(),
    instance: text().notNull(),
    /** NULL where no trace is active. */
    trace_id: text(),
  },
  (table) => [index('nats_logs_connection').on(table.connection, table.timestamp)],
);

/**
 * Figures of the other tables as they were: each second that a figure changed in, for an hour, and the first of each minute for a day. A value stands until the next of its series. Kept nowhere
 * else.
 */
export const metricsHistory = sqliteTable(
  'metrics_history',
  {
    time: text().notNull(),
    table_name: text().notNull(),
    /** What the row of that table is about: a connection, `<connection>/<stream>/<consumer>`, a pipeline, an instance. */
    entity: text().notNull(),
    /** The column of that table. */
    metric: text().notNull(),
    value: real().notNull(),
  },
  (table) => [index('metrics_history_time').on(table.time)],
);

/** What derives from the bus, and is written anew from it at each start. */
export const derivedTables = [
  natsConnections,
  natsJetstreamConsumers,
  natsServerInfo,
  pipelines,
  pipelineInstances,
  definitions,
  definitionEvents,
  workers,
  deadLetters,
] as const;
