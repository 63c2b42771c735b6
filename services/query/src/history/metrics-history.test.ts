import { type TemporaryDirectory, temporaryDirectory } from '@laminar/test';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openSystemDatabase, type SystemDatabase } from '../database.js';
import { prepareRowWriter } from '../row-writer.js';
import { pipelines } from '../schema.js';
import { type HistoryLimits, MetricsHistory } from './metrics-history.js';

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const dayMs = 24 * hourMs;
const noonMs = Date.UTC(2026, 10, 30, 12);

let directory: TemporaryDirectory;
let database: SystemDatabase;

beforeEach(async () => {
  directory = await temporaryDirectory('history');
  database = openSystemDatabase(directory.path, () => undefined);
});
afterEach(async () => {
  database.close();
  await directory.remove();
});

const idle = { state: 'running', instances: 1, errors: 0, dead_letters: 0, updated_at: '', last_error: null };
const latencies = { latency_p50_ms: null, latency_p99_ms: null };

/** What a pipeline has counted now. */
function counted(name: string, messages: number): void {
  const row = { ...idle, ...latencies, name, messages_in: messages, messages_out: 0 };
  prepareRowWriter(database.client, pipelines, 'REPLACE')(row);
}

function historyOf(limits?: HistoryLimits): MetricsHistory {
  const onError = (error: unknown) => {
    throw error;
  };
  return new MetricsHistory({ database, isCaughtUp: () => true, onError, ...(limits ? { limits } : {}) });
}

/** A series as it can be read: second after noon, and value. */
const series = (metric: string, entity = 'p'): [number, number][] =>
  database.client
    .prepare('SELECT time, value FROM metrics_history WHERE entity = ? AND metric = ? ORDER BY time')
    .raw()
    .all(entity, metric)
    .map((row) => {
      const [time, value] = row as [string, number];
      return [(Date.parse(time) - noonMs) / 1000, value];
    });

describe('the history of metrics', () => {
  it('has a value for each second that it changed in, and for each minute', () => {
    const history = historyOf();
    for (let second = 10; second <= 130; second++) {
      counted('p', Math.min(second, 20));
      history.sample(noonMs + second * 1000);
    }
    const changes = Array.from({ length: 11 }, (_, i) => [10 + i, 10 + i]);
    expect(series('messages_in')).toEqual([...changes, [60, 20], [120, 20]]);
    expect(series('messages_out')).toEqual([10, 60, 120].map((second) => [second, 0]));
    expect(series('latency_p50_ms')).toEqual([]);
  });

  it('begins anew with what it finds where a process takes over', () => {
    counted('p', 1);
    historyOf().sample(noonMs + 5000);
    historyOf().sample(noonMs + 7000);
    expect(series('messages_in')).toEqual([
      [5, 1],
      [7, 1],
    ]);
  });

  it('has what changed in each second of the last hour, and the first value of each minute of the last day', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 0, max: 3 })), {
          minLength: 1,
          maxLength: 60,
        }),
        fc.integer({ min: 0, max: 2 * dayMs }),
        (steps, laterMs) => {
          database.client.exec('DELETE FROM metrics_history');
          const history = historyOf();
          let second = 0;
          for (const [seconds, value] of steps) {
            second += seconds;
            counted('p', value);
            history.sample(noonMs + second * 1000);
          }
          const all = series('messages_in');
          const nowMs = noonMs + second * 1000 + laterMs;
          history.thin(nowMs);
          const firsts = all.filter(
            ([at], i) => i === 0 || Math.floor(at / 60) > Math.floor((all[i - 1]?.[0] ?? 0) / 60),
          );
          const ageMs = (at: number) => nowMs - (noonMs + at * 1000);
          const isKept = (entry: [number, number]) =>
            ageMs(entry[0]) <= dayMs && (ageMs(entry[0]) <= hourMs || firsts.includes(entry));
          const left = series('messages_in');
          expect(left).toEqual(expect.arrayContaining(all.filter(isKept)));
          // Minutes are thinned as a whole.
          expect(all.filter((entry) => isKept(entry) || ageMs(entry[0]) < hourMs + minuteMs)).toEqual(
            expect.arrayContaining(left),
          );
        },
      ),
      { numRuns: 50 },
    );
  });

  it('keeps within its bounds: seconds go first, then the oldest minutes, and not each second is written', () => {
    const history = historyOf({ secondRowsMax: 50, rowsMax: 90, rowsPerSecondMax: 5 });
    for (let second = 0; second < 600; second++) {
      counted('p', second);
      history.sample(noonMs + second * 1000);
    }
    history.thin(noonMs + 600_000);
    // Five figures each minute; the newest rows are all of the last one.
    expect(series('messages_in').map(([at]) => at)).toEqual([
      ...[240, 300, 360, 420, 480],
      ...Array.from({ length: 60 }, (_, i) => 540 + i),
    ]);
    const names = Array.from({ length: 20 }, (_, i) => `q${i}`);
    for (let second = 600; second < 660; second++) {
      for (const name of names) counted(name, second);
      history.sample(noonMs + second * 1000);
    }
    history.thin(noonMs + 660_000);
    expect(database.client.prepare('SELECT count(*) FROM metrics_history').pluck().get()).toBe(90);
    // All 105 figures at the full minute, for which 20 seconds have none; then 20 that change, of which five may be written in a second.
    expect(
      series('messages_in', 'q0')
        .map(([at]) => at)
        .slice(-2),
    ).toEqual([653, 657]);
  });
});
