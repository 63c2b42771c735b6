import { eventually, type ServiceProcess } from '@laminar/test';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { IngestionMesh } from './testing/ingestion-mesh.js';

// JetStream in, JetStream out: whatever happens to the processes and definitions in between, each message comes out once.

let mesh: IngestionMesh;
let process: ServiceProcess;
beforeAll(async () => {
  mesh = await IngestionMesh.start();
  process = mesh.process;
});
afterAll(() => mesh?.stop());

async function define(name: string): Promise<{ input: string; output: string; subject: string }> {
  const input = `IN_${name}`;
  const output = `OUT_${name}`;
  await mesh.connection(`in_${name}`, {
    type: 'source',
    format: 'json',
    jetstream: true,
    subject: `in.${name}`,
    stream_name: input,
    stream_subjects: `in.${name}`,
    consumer_ack_wait_s: 1,
  });
  await mesh.connection(`out_${name}`, {
    type: 'sink',
    jetstream: true,
    subject: `out.${name}`,
    stream_name: output,
    stream_subjects: `out.${name}`,
  });
  return { input, output, subject: `in.${name}` };
}

const upTo = (count: number) => Array.from({ length: count }, (_, n) => n);
const sorted = (numbers: number[]) => [...numbers].sort((a, b) => a - b);

describe('each message comes out once', () => {
  it('when the process is killed in the middle, again and again', async () => {
    const count = 5000;
    const { output, subject } = await define('kill');
    await mesh.pipeline('kill', 'INSERT INTO out_kill SELECT n FROM in_kill');
    await mesh.settled('kill', 'running');
    const feeding = mesh.feed(subject, 0, count);
    for (const reached of [500, 2000]) {
      await eventually(async () => (await mesh.count(output)) >= reached, {
        what: `${reached} rows`,
        timeoutMs: 30_000,
      });
      process.kill('SIGKILL');
      await process.exited;
      process = await mesh.mesh.start('ingestion', 'ingestion-1');
    }
    await feeding;
    await eventually(async () => (await mesh.count(output)) >= count, { what: 'every row', timeoutMs: 30_000 });
    await eventually(async () => (await mesh.jsm.consumers.info('IN_kill', 'laminar-in_kill')).num_ack_pending === 0, {
      what: 'every acknowledgement',
    });
    expect(sorted(await mesh.numbers(output))).toEqual(upTo(count));
  });

  it('when each gives thousands of rows, and the query changes in the middle of a batch', async () => {
    const [messages, rows] = [20, 5000];
    const { input, output, subject } = await define('many');
    await eventually(() => mesh.jsm.streams.info(input), { what: 'the stream' });
    await mesh.feed(subject, 0, messages);
    const query = (version: number) =>
      `INSERT INTO out_many SELECT n * ${rows} + i AS n, ${version} AS v FROM in_many, generate_series(0, ${rows - 1}) AS i`;
    await mesh.pipeline('many', query(1));
    await eventually(async () => (await mesh.count(output)) > 0, { what: 'the first rows' });
    await mesh.pipeline('many', query(2));
    await mesh.settled('many', 'running');
    await eventually(async () => (await mesh.count(output)) >= messages * rows, {
      what: 'every row',
      timeoutMs: 40_000,
    });
    await eventually(async () => (await mesh.jsm.consumers.info(input, 'laminar-in_many')).num_ack_pending === 0, {
      what: 'every acknowledgement',
      timeoutMs: 40_000,
    });
    expect(sorted(await mesh.numbers(output))).toEqual(upTo(messages * rows));
  }, 120_000);

  it('when the query changes while messages flow', async () => {
    const count = 4000;
    const { output, subject } = await define('change');
    await mesh.pipeline('change', 'INSERT INTO out_change SELECT n, 1 AS v FROM in_change');
    await mesh.settled('change', 'running');
    const feeding = mesh.feed(subject, 0, count);
    for (const version of [2, 3, 4]) {
      await eventually(async () => (await mesh.count(output)) >= version * 500, { what: 'some rows' });
      await mesh.pipeline('change', `INSERT INTO out_change SELECT n, ${version} AS v FROM in_change`);
      await mesh.settled('change', 'running');
    }
    await feeding;
    await mesh.feed(subject, count, count + 1);
    await eventually(async () => (await mesh.count(output)) > count, { what: 'every row', timeoutMs: 30_000 });
    expect(sorted(await mesh.numbers(output))).toEqual(upTo(count + 1));
    const last = await mesh.jsm.streams.getMessage(output, { last_by_subj: 'out.change' });
    expect(last?.json()).toMatchObject({ v: 4 });
  });

  it('when the pipeline is stopped and started while messages flow', async () => {
    const count = 4000;
    const { output, subject } = await define('stop');
    await mesh.pipeline('stop', 'INSERT INTO out_stop SELECT n FROM in_stop');
    await mesh.settled('stop', 'running');
    const feeding = mesh.feed(subject, 0, count);
    await eventually(async () => (await mesh.count(output)) >= 500, { what: 'some rows' });
    await mesh.append('pipeline', 'stop', { type: 'PipelineStopped' });
    await mesh.settled('stop', 'stopped');
    const stopped = await mesh.count(output);
    await feeding;
    expect(await mesh.count(output)).toBe(stopped);
    await mesh.append('pipeline', 'stop', { type: 'PipelineStarted' });
    await mesh.settled('stop', 'running');
    await eventually(async () => (await mesh.count(output)) >= count, { what: 'every row', timeoutMs: 30_000 });
    expect(sorted(await mesh.numbers(output))).toEqual(upTo(count));
  });

  it('when the process is stopped in an orderly way, which leaves nothing unacknowledged', async () => {
    const count = 2000;
    const { input, output, subject } = await define('term');
    await mesh.pipeline('term', 'INSERT INTO out_term SELECT n FROM in_term');
    await mesh.settled('term', 'running');
    const feeding = mesh.feed(subject, 0, count);
    await eventually(async () => (await mesh.count(output)) >= 300, { what: 'some rows' });
    expect(await process.stop()).toBe(0);
    await feeding;
    const { ack_floor, delivered } = await mesh.jsm.consumers.info(input, 'laminar-in_term');
    const rows = await mesh.count(output);
    expect(rows).toBe(ack_floor.stream_seq);
    expect(delivered.stream_seq).toBeGreaterThanOrEqual(ack_floor.stream_seq);
    process = await mesh.mesh.start('ingestion', 'ingestion-1');
    await eventually(async () => (await mesh.count(output)) >= count, { what: 'every row', timeoutMs: 30_000 });
    expect(sorted(await mesh.numbers(output))).toEqual(upTo(count));
  });
});
