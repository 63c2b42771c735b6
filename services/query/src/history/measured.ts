import { getTableName } from 'drizzle-orm';
import { natsConnections, natsJetstreamConsumers, pipelines, workers } from '../schema.js';

/** A table whose figures have a history. */
export interface Measured {
  readonly table: string;
  /** Columns of which each is a series for each row. */
  readonly metrics: readonly string[];
  /** Of each row: what it is about, and the metrics in their order. */
  readonly sql: string;
}

type Metric<T extends { readonly $inferSelect: object }> = {
  [C in keyof T['$inferSelect'] & string]: T['$inferSelect'][C] extends number | null ? C : never;
}[keyof T['$inferSelect'] & string];

function measured<T extends typeof natsConnections | typeof natsJetstreamConsumers | typeof pipelines | typeof workers>(
  table: T,
  entity: readonly (keyof T['$inferSelect'] & string)[],
  metrics: readonly Metric<T>[],
): Measured {
  const name = getTableName(table);
  return { table: name, metrics, sql: `SELECT ${entity.join(` || '/' || `)}, ${metrics.join(', ')} FROM ${name}` };
}

export const measuredTables: readonly Measured[] = [
  measured(
    natsConnections,
    ['connection_name'],
    ['subscriptions_count', 'messages_received', 'bytes_received', 'messages_dropped', 'reconnects', 'rtt_ms'],
  ),
  measured(
    natsJetstreamConsumers,
    ['connection_name', 'stream_name', 'consumer_name'],
    ['pending_messages', 'ack_pending', 'redelivered', 'waiting_pulls', 'last_delivered', 'lag', 'exhausted'],
  ),
  measured(
    pipelines,
    ['name'],
    ['instances', 'messages_in', 'messages_out', 'errors', 'dead_letters', 'latency_p50_ms', 'latency_p99_ms'],
  ),
  measured(workers, ['instance'], ['readers']),
];
