import type { NatsConnection } from '@nats-io/nats-core';
import { orderCount, orderMessages } from './messages.js';
import { processCpuUs } from './process-usage.js';
import { RowCheck } from './row-check.js';

/** Orders on one subject without JetStream, rows on others. */
export interface CoreJob {
  /** How many orders, a multiple of `orderCount`. */
  readonly count: number;
  readonly input: string;
  readonly outputs: readonly CoreOutput[];
  /** The process whose CPU time is taken. */
  readonly pid: number;
}

interface CoreOutput {
  readonly subject: string;
  /** What comes out there of all orders, once each. */
  readonly rows: readonly Uint8Array[];
}

/** What one run of a job took. */
export interface JobRun {
  /** Of the process. */
  readonly cpuUsPerMessage: number;
  /** Of the whole path. */
  readonly messagesPerSecond: number;
}

/** Messages that may be under way, so that nobody drops any. */
const inFlightMax = 20_000;
const burst = 500;
/** Without a row for so long, rows were lost. */
const silenceMsMax = 10_000;

/** Publishes the orders, never more than `inFlightMax` ahead of their rows, and waits for those. Throws where a row is missing or wrong. */
export async function runCoreJob(nc: NatsConnection, { count, input, outputs, pid }: CoreJob): Promise<JobRun> {
  const checks = outputs.map(({ subject, rows }) => new RowCheck(subject, rows));
  const subscriptions = checks.map((check) =>
    nc.subscribe(check.what, { callback: (_, message) => check.take(message.data) }),
  );
  await nc.flush();
  const rowsPerCycle = checks.reduce((sum, { cycle }) => sum + cycle.length, 0);
  const rowsInAll = (count / orderCount) * rowsPerCycle;
  const inFlightRowsMax = (inFlightMax / orderCount) * rowsPerCycle;
  const received = () => checks.reduce((sum, check) => sum + check.received, 0);
  const cpuBefore = processCpuUs(pid);
  const startedMs = performance.now();
  for (let sent = 0; sent < count; ) {
    for (let i = 0; i < burst && sent < count; i++, sent++) nc.publish(input, orderMessages[sent % orderCount]);
    const rowsWanted = (sent / orderCount) * rowsPerCycle - inFlightRowsMax;
    await untilReceived(received, rowsWanted);
  }
  await untilReceived(received, rowsInAll);
  const elapsedMs = performance.now() - startedMs;
  const cpuUs = processCpuUs(pid) - cpuBefore;
  // What is doubled comes within this round trip.
  await nc.flush();
  for (const subscription of subscriptions) subscription.unsubscribe();
  for (const check of checks) check.expectCycles(count / orderCount);
  return { cpuUsPerMessage: cpuUs / count, messagesPerSecond: count / (elapsedMs / 1_000) };
}

async function untilReceived(received: () => number, wanted: number): Promise<void> {
  let last = received();
  let lastAtMs = performance.now();
  do {
    await new Promise(setImmediate);
    const now = received();
    if (now !== last) {
      last = now;
      lastAtMs = performance.now();
    } else if (performance.now() - lastAtMs > silenceMsMax) {
      throw new Error(`${now} rows came instead of ${wanted}, and none for ${silenceMsMax} ms`);
    }
  } while (last < wanted);
}
