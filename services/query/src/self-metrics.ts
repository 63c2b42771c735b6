import { observeCounter } from '@laminar/telemetry';
import type { LogStore } from './logs/log-store.js';
import type { Mesh } from './mesh/mesh.js';
import type { SpanStore } from './otlp/span-store.js';
import type { SqlRunner } from './sql-runner/sql-runner.js';

export interface ObservedParts {
  readonly spans: SpanStore;
  readonly logs: LogStore;
  readonly runner: SqlRunner;
  readonly mesh: Mesh;
}

/** What this process itself shows at `/metrics`. */
export function observeSelf({ spans, logs, runner, mesh }: ObservedParts): void {
  observeCounter('laminar_query_spans', 'Spans received and stored', () => [{ value: spans.stored, attributes: {} }]);
  observeCounter('laminar_query_log_lines', 'Lines of the logs of connections stored', () => [
    { value: logs.stored, attributes: {} },
  ]);
  observeCounter('laminar_query_statements', 'SQL statements by how they ended', () =>
    Object.entries(runner.counts).map(([outcome, value]) => ({ value, attributes: { outcome } })),
  );
  observeCounter('laminar_query_rows_written', 'Rows of system tables written or removed', () => [
    { value: mesh.rowsTouched, attributes: {} },
  ]);
}
