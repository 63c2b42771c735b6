import type { JetStreamManager } from '@nats-io/jetstream';
import type { Api } from '../api.js';
import type { BaselineProcess } from './baseline-process.js';
import { expectStatus } from './laminar.js';
import type { StreamJob } from './stream-job.js';

/** Who reads a stream, and how it is told to. */
type StreamSide = Pick<StreamJob, 'input' | 'pid' | 'start' | 'stop'>;

/** The statement that makes our stream and durable, which pipelines read as `bench_in`. */
export const streamSource = (servers: string): string =>
  `CREATE CONNECTION bench_in TO nats (servers = '${servers}', subject = 'ours.in', type = 'source', format = 'json', jetstream = true, stream_name = 'OURS_IN', stream_subjects = 'ours.in')`;

/** A pipeline over `bench_in`; `pid` is that of the ingestion process. */
export const ourSide = (api: Api, pipeline: string, pid: number): StreamSide => ({
  input: { stream: 'OURS_IN', subject: 'ours.in', durable: 'laminar-bench_in' },
  pid,
  async start() {
    expectStatus(await api.post(`/pipelines/${pipeline}/start?wait=applied`, undefined), 200);
  },
  async stop() {
    expectStatus(await api.post(`/pipelines/${pipeline}/stop?wait=applied`, undefined), 200);
  },
});

/** A baseline that reads the durable `hand` of the stream `HAND_IN`, both of which are made here. */
export async function handSide(jsm: JetStreamManager, hand: BaselineProcess): Promise<StreamSide> {
  const input = { stream: 'HAND_IN', subject: 'hand.in', durable: 'hand' };
  await jsm.streams.add({ name: input.stream, subjects: [input.subject] });
  await jsm.consumers.add(input.stream, { durable_name: input.durable, ack_policy: 'explicit' });
  return {
    input,
    pid: hand.pid,
    async start() {
      await hand.ask('start');
    },
    async stop() {
      await hand.ask('stop');
    },
  };
}
