import type { Statement } from 'better-sqlite3';
import type { SystemDatabase } from '../database.js';
import { moment } from '../projections/moment.js';
import { prepareRowWriter } from '../row-writer.js';
import { metricsHistory } from '../schema.js';
import { type Measured, measuredTables } from './measured.js';

const secondMs = 1000;
const minuteMs = 60 * secondMs;
const hourMs = 60 * minuteMs;
const dayMs = 24 * hourMs;
/** Of a moment, up to its minutes. */
const minuteChars = '2026-11-30T12:34'.length;

export interface HistoryLimits {
  /** Rows of single seconds, the newest. Where there are more, the older of them are thinned before their hour is over. */
  readonly secondRowsMax: number;
  /** Rows in all, the newest. */
  readonly rowsMax: number;
  /** Written in a second, on average: where more figures change, not each second has its values. */
  readonly rowsPerSecondMax: number;
}

const defaultLimits: HistoryLimits = { secondRowsMax: 300_000, rowsMax: 600_000, rowsPerSecondMax: 5_000 };

export interface MetricsHistoryOptions {
  readonly database: SystemDatabase;
  /** Whether the tables hold what the bus holds: before that they say nothing. */
  isCaughtUp(): boolean;
  /** Told of what SQLite throws, once until it takes something again. */
  onError(error: unknown): void;
  readonly limits?: HistoryLimits;
}

/** Writes down once a second which figures changed, and once a minute all of them; of what is older than an hour the first values of each minute are kept, for a day. */
export class MetricsHistory {
  readonly #insert: (row: typeof metricsHistory.$inferSelect) => unknown;
  readonly #sources: readonly { readonly measured: Measured; readonly rows: Statement }[];
  readonly #limits: HistoryLimits;
  readonly #thin: Statement;
  readonly #deleteBefore: Statement;
  readonly #deleteOldest: Statement;
  readonly #count: Statement;
  readonly #timeBehindNewest: Statement;
  /** The values of the last second, by table and entity. */
  #last = new Map<string, readonly (number | null)[]>();
  #lastMs = Number.NEGATIVE_INFINITY;
  /** Nothing is written before. */
  #restsUntilMs = Number.NEGATIVE_INFINITY;
  /** Everything before is thinned; at the start nobody knows. */
  #thinnedBefore = '';
  #timer: NodeJS.Timeout | undefined;
  #failed = false;

  constructor(readonly options: MetricsHistoryOptions) {
    const { client } = options.database;
    this.#limits = options.limits ?? defaultLimits;
    this.#insert = prepareRowWriter(client, metricsHistory, 'REPLACE');
    this.#sources = measuredTables.map((measured) => ({ measured, rows: client.prepare(measured.sql).raw() }));
    const between = 'FROM metrics_history WHERE time >= @from AND time < @to';
    this.#thin = client.prepare(
      `DELETE ${between} AND rowid NOT IN (SELECT min(rowid) ${between} GROUP BY substr(time, 1, ${minuteChars}), table_name, entity, metric)`,
    );
    this.#deleteBefore = client.prepare('DELETE FROM metrics_history WHERE time < ?');
    this.#deleteOldest = client.prepare(
      'DELETE FROM metrics_history WHERE rowid IN (SELECT rowid FROM metrics_history ORDER BY time LIMIT ?)',
    );
    this.#count = client.prepare('SELECT count(*) FROM metrics_history').pluck();
    this.#timeBehindNewest = client
      .prepare('SELECT time FROM metrics_history ORDER BY time DESC LIMIT 1 OFFSET ?')
      .pluck();
  }

  start(): void {
    // At full seconds, whatever a round takes.
    this.#timer = setTimeout(
      () => {
        this.#round(Math.round(Date.now() / secondMs) * secondMs);
        this.start();
      },
      secondMs - (Date.now() % secondMs),
    );
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  /** Writes down the values of a second. Throws what SQLite throws; then nothing is written. */
  sample(atMs: number): void {
    if (atMs < this.#restsUntilMs && atMs > this.#lastMs) return;
    const isFirstOfMinute = Math.floor(atMs / minuteMs) !== Math.floor(this.#lastMs / minuteMs);
    const values = new Map<string, readonly (number | null)[]>();
    const written = this.options.database.transaction(() => {
      let count = 0;
      for (const { measured, rows } of this.#sources) {
        for (const [entity, ...metrics] of rows.all() as [string, ...(number | null)[]][]) {
          const key = `${measured.table}/${entity}`;
          values.set(key, metrics);
          count += this.#write(
            moment(atMs),
            measured,
            entity,
            metrics,
            isFirstOfMinute ? undefined : this.#last.get(key),
          );
        }
      }
      return count;
    });
    this.#last = values;
    this.#lastMs = atMs;
    this.#restsUntilMs = atMs + Math.ceil(written / this.#limits.rowsPerSecondMax) * secondMs;
    if (isFirstOfMinute) this.thin(atMs);
  }

  /** Deletes what is beyond its time, or beyond the limits. Throws what SQLite throws; then nothing is deleted. */
  thin(nowMs: number): void {
    const { secondRowsMax, rowsMax } = this.#limits;
    this.#thinnedBefore = this.options.database.transaction(() => {
      const from = this.#thinnedBefore;
      const tooMany = (this.#timeBehindNewest.get(secondRowsMax) as string | undefined) ?? '';
      // Up to a whole minute, of which no more is to come.
      const to = later(from, later(tooMany, moment(nowMs - hourMs)).slice(0, minuteChars));
      if (to !== from) this.#thin.run({ from, to });
      this.#deleteBefore.run(moment(nowMs - dayMs));
      const excess = (this.#count.get() as number) - rowsMax;
      if (excess > 0) this.#deleteOldest.run(excess);
      return to;
    });
  }

  #round(atMs: number): void {
    if (!this.options.isCaughtUp()) return;
    try {
      this.sample(atMs);
      this.#failed = false;
    } catch (error) {
      if (!this.#failed) this.options.onError(error);
      this.#failed = true;
    }
  }

  /** The values that are others than before; how many. */
  #write(
    time: string,
    { table, metrics }: Measured,
    entity: string,
    values: readonly (number | null)[],
    before: readonly (number | null)[] | undefined,
  ): number {
    let count = 0;
    for (const [i, metric] of metrics.entries()) {
      const value = values[i] ?? null;
      if (value === null || value === before?.[i]) continue;
      this.#insert({ time, table_name: table, entity, metric, value });
      count++;
    }
    return count;
  }
}

/** Of moments as they are written. */
const later = (a: string, b: string): string => [a, b].sort()[1] ?? a;
