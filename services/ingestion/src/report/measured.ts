import { type ConsumerSnapshot, type Reader, within } from '@laminar/connectors';
import type { SinkPool } from '../jobs/sink-pool.js';
import type { SlotJob } from '../jobs/slot-job.js';
import type { MeasuredConnection } from './metrics-publisher.js';

/** The metrics of all wait for the slowest consumer, and shall be fresh. */
const consumerTimeoutMs = 500;

/** The sockets of this process, with the counters of its readers brought up to date. */
export function* measuredConnections(jobs: Iterable<SlotJob>, sinks: SinkPool): Iterable<MeasuredConnection> {
  for (const job of jobs) {
    job.count();
    const { name, incarnation } = job.spec.connection;
    const { reader, standing, connection, lastError } = job;
    yield {
      name,
      incarnation,
      standing,
      connection,
      lastError,
      consumer: async () => (standing.state === 'connected' && reader ? consumerOf(reader) : undefined),
    };
  }
  for (const sink of sinks.values()) {
    sink.count();
    const { name, incarnation } = sink.spec;
    const { standing, connection, lastError } = sink;
    yield { name, incarnation, standing, connection, lastError, consumer: async () => undefined };
  }
}

/** A consumer that does not answer has no row this time; why, its connection's state says. */
async function consumerOf(reader: Reader): Promise<ConsumerSnapshot | undefined> {
  let snapshot: ConsumerSnapshot | undefined;
  const answer = reader.consumerInfo().then((info) => {
    snapshot = info;
  });
  await within(consumerTimeoutMs, answer);
  return snapshot;
}
