import { type JetStreamManager, jetstream } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/nats-core';
import { eventually } from '../eventually.js';
import type { JobRun } from './core-job.js';
import { orderCount, orderMessages } from './messages.js';
import { processCpuUs } from './process-usage.js';
import { RowCheck } from './row-check.js';

/** Some seconds of full load: the second that a process takes to be warm again after a start weighs little. */
export const jobMessages = 200_000;

/** Orders that lie in a stream when the job begins, read through a durable. */
export interface StreamJob {
  /** How many orders, a multiple of `orderCount`. */
  readonly count: number;
  readonly input: { readonly stream: string; readonly subject: string; readonly durable: string };
  readonly output: StreamOutput | SubjectOutput;
  /** What comes out of all orders, once each. */
  readonly rows: readonly Uint8Array[];
  /** The process whose CPU time is taken. */
  readonly pid: number;
  /** Makes it read from now on. */
  start(): Promise<void>;
  stop(): Promise<void>;
}

interface StreamOutput {
  readonly stream: string;
}
interface SubjectOutput {
  readonly subject: string;
}

const fillBurst = 1_000;
const doneTimeoutMs = 120_000;

/**
 * Fills the stream, has the job done, and waits until all rows are there and every message is acknowledged. The time is from the order to start on. Throws
 * where a row is missing, doubled or wrong.
 */
export async function runStreamJob(nc: NatsConnection, jsm: JetStreamManager, job: StreamJob): Promise<JobRun> {
  const { count, input, output, pid } = job;
  await fill(nc, jsm, job);
  const check = new RowCheck(input.stream, job.rows);
  const cycles = count / orderCount;
  const rowCount = cycles * job.rows.length;
  if ('stream' in output) await jsm.streams.purge(output.stream);
  const listening =
    'subject' in output && nc.subscribe(output.subject, { callback: (_, message) => check.take(message.data) });
  await nc.flush();
  const cpuBefore = processCpuUs(pid);
  const startedMs = performance.now();
  await job.start();
  await eventually(
    async () => {
      const { num_pending, num_ack_pending } = await jsm.consumers.info(input.stream, input.durable);
      if (num_pending + num_ack_pending > 0) return false;
      if ('stream' in output) return (await jsm.streams.info(output.stream)).state.messages >= rowCount;
      return check.received >= rowCount;
    },
    { what: `the rows of ${count} messages of ${input.stream}`, timeoutMs: doneTimeoutMs },
  );
  const elapsedMs = performance.now() - startedMs;
  const cpuUs = processCpuUs(pid) - cpuBefore;
  await job.stop();
  if ('stream' in output) await readBack(nc, jsm, output.stream, check);
  if (listening) {
    await nc.flush();
    listening.unsubscribe();
  }
  check.expectCycles(cycles);
  return { cpuUsPerMessage: cpuUs / count, messagesPerSecond: count / (elapsedMs / 1_000) };
}

async function fill(nc: NatsConnection, jsm: JetStreamManager, { count, input }: StreamJob): Promise<void> {
  await jsm.streams.purge(input.stream);
  for (let sent = 0; sent < count; ) {
    for (let i = 0; i < fillBurst && sent < count; i++, sent++) {
      nc.publish(input.subject, orderMessages[sent % orderCount]);
    }
    await nc.flush();
  }
  await eventually(async () => (await jsm.streams.info(input.stream)).state.messages === count, {
    what: `${count} messages in ${input.stream}`,
    timeoutMs: doneTimeoutMs,
  });
}

async function readBack(nc: NatsConnection, jsm: JetStreamManager, stream: string, check: RowCheck): Promise<void> {
  const total = (await jsm.streams.info(stream)).state.messages;
  if (total === 0) return;
  const consumer = await jetstream(nc).consumers.get(stream, { deliver_policy: 'all' });
  for await (const message of await consumer.consume({ max_messages: 5_000 })) {
    check.take(message.data);
    if (check.received === total) break;
  }
}
