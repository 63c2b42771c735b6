import type { NatsConnection } from '@nats-io/nats-core';
import { processCpuUs } from './process-cpu.js';

/** What one run of the job took. */
export interface JobRun {
  cpuUsPerMessage: number;
  messagesPerSecond: number;
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
export const benchQuery = `SELECT id, customer, amount * 2 AS double_amount, currency FROM bench_in WHERE keep`;

/**
 * Publishes `count` messages (even) on `in.a` and waits for the `count / 2` results on `output`, never more than
 * `inFlightMax` ahead of them. CPU is that of process `pid`, throughput that of the whole path.
 */
export async function runJob(
  nc: NatsConnection,
  options: { count: number; output: string; pid: number },
): Promise<JobRun> {
  const messages = benchMessages();
  let received = 0;
  const results = nc.subscribe(options.output, { callback: () => void received++ });
  await nc.flush();
  const cpuBefore = processCpuUs(options.pid);
  const startedMs = performance.now();
  for (let sent = 0; sent < options.count; ) {
    for (let i = 0; i < burst && sent < options.count; i++, sent++) {
      nc.publish('in.a', messages[sent % messages.length]);
    }
    do await new Promise(setImmediate);
    while (sent - received * 2 > inFlightMax);
  }
  while (received < options.count / 2) await new Promise(setImmediate);
  const elapsedMs = performance.now() - startedMs;
  results.unsubscribe();
  return {
    cpuUsPerMessage: (processCpuUs(options.pid) - cpuBefore) / options.count,
    messagesPerSecond: options.count / (elapsedMs / 1_000),
  };
}
