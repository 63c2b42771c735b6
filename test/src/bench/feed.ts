import type { NatsConnection } from '@nats-io/nats-core';
import { processCpuUs } from './process-cpu.js';

/** What one run of the job took. */
export interface JobRun {
  readonly cpuUsPerMessage: number;
  readonly messagesPerSecond: number;
}

export interface Job {
  /** How many messages, an even number. */
  readonly count: number;
  readonly input: string;
  readonly output: string;
  /** The process whose CPU time is taken. */
  readonly pid: number;
}

/** Messages that may be under way, so that nobody drops any. */
const inFlightMax = 20_000;
const burst = 500;

/** About 200 bytes each; every second one has `keep: true`. */
export function benchMessages(): Uint8Array[] {
  return Array.from({ length: 1_000 }, (_, i) =>
    Buffer.from(
      JSON.stringify({
        id: `order-${String(i).padStart(8, '0')}`,
        customer: `customer-${i % 97}`,
        amount: 10 + (i % 1_000) / 100,
        keep: i % 2 === 0,
        currency: 'EUR',
        items: [{ sku: 'A-1', n: 2 }],
        note: 'a short remark that makes the message about two hundred bytes',
      }),
    ),
  );
}

/** What both sides of the comparison do, as SQL. */
export const benchQuery = 'SELECT id, customer, amount * 2 AS double_amount, currency FROM bench_in WHERE keep';

/**
 * Publishes `count` messages and waits for the `count / 2` results, never more than `inFlightMax` ahead of them. CPU is that of the
 * process, throughput that of the whole path.
 */
export async function runJob(nc: NatsConnection, { count, input, output, pid }: Job): Promise<JobRun> {
  const messages = benchMessages();
  let received = 0;
  const results = nc.subscribe(output, { callback: () => void received++ });
  await nc.flush();
  const cpuBefore = processCpuUs(pid);
  const startedMs = performance.now();
  for (let sent = 0; sent < count; ) {
    for (let i = 0; i < burst && sent < count; i++, sent++) nc.publish(input, messages[sent % messages.length]);
    do await new Promise(setImmediate);
    while (sent - received * 2 > inFlightMax);
  }
  while (received < count / 2) await new Promise(setImmediate);
  const elapsedMs = performance.now() - startedMs;
  results.unsubscribe();
  return {
    cpuUsPerMessage: (processCpuUs(pid) - cpuBefore) / count,
    messagesPerSecond: count / (elapsedMs / 1_000),
  };
}
