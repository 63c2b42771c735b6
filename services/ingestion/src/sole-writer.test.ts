import { buckets } from '@laminar/protocol';
import { eventually, TcpProxy } from '@laminar/test';
import { DiscardPolicy } from '@nats-io/jetstream';
import { Kvm } from '@nats-io/kv';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Feeding } from './testing/feeding.js';
import { IngestionMesh } from './testing/ingestion-mesh.js';

// Exactly once by the only writer of an output stream, and readers of a pipeline's own. The duplicate window is too short to be of help.

let mesh: IngestionMesh;
beforeAll(async () => {
  mesh = await IngestionMesh.start({ instances: 2 });
});
afterAll(() => mesh?.stop());

const alone = { delivery: 'exactly_once', reader: 'own' };
const upTo = (count: number) => Array.from({ length: count }, (_, n) => n);
const running = (pipeline: string) =>
  mesh.board
    .pipeline(pipeline)
    .filter(({ state }) => state === 'running')
    .map(({ instance }) => instance);
/** As `running`, of instances but `owner`; at the time limit it is told what all of them say. */
function runningBeside(pipeline: string, owner: string | undefined): true {
  if (running(pipeline).some((instance) => instance !== owner)) return true;
  const outputs = mesh.mesh.ingestion.map((process) => process.output());
  throw new Error(`${owner} had it; ${JSON.stringify(mesh.board.pipeline(pipeline))}\n${outputs.join('\n')}`);
}
const processOf = (instance = '') => mesh.mesh.ingestion[Number(instance.split('-')[1]) - 1];

async function define(name: string): Promise<{ input: string; output: string }> {
  await mesh.jsm.streams.add({ name: `OUT_${name}`, subjects: [`out.${name}`], duplicate_window: 100_000_000 });
  await mesh.connection(`in_${name}`, {
    type: 'source',
    format: 'json',
    jetstream: true,
    subject: `in.${name}`,
    stream_name: `IN_${name}`,
    stream_subjects: `in.${name}`,
    consumer_ack_wait_s: 1,
  });
  const output = { type: 'sink', jetstream: true, subject: `out.${name}`, stream_name: `OUT_${name}` };
  await mesh.connection(`out_${name}`, output);
  return { input: `in.${name}`, output: `OUT_${name}` };
}

it('publishes each row once and in order, though its process is killed, with rows left out and several of a message', async () => {
  const count = 3000;
  const { input, output } = await define('kill');
  const query = 'INSERT INTO out_kill SELECT n * 3 + i AS n FROM in_kill, generate_series(0, 2) AS i WHERE n % 2 = 0';
  await mesh.pipeline('kill', query, alone);
  await mesh.settled('kill', 'running');
  const feeding = mesh.feed(input, 0, count);
  for (const reached of [300, 1500]) {
    await eventually(async () => (await mesh.count(output)) >= reached, { what: 'some rows', timeoutMs: 30_000 });
    const owner = await eventually(() => running('kill')[0], { what: 'an owner' });
    const process = processOf(owner);
    process?.kill('SIGKILL');
    await process?.exited;
    mesh.mesh.ingestion[Number(owner.split('-')[1]) - 1] = await mesh.mesh.start('ingestion', owner);
  }
  await feeding;
  const wanted = upTo(count)
    .filter((n) => n % 2 === 0)
    .flatMap((n) => [n * 3, n * 3 + 1, n * 3 + 2]);
  await eventually(async () => (await mesh.count(output)) >= wanted.length, { what: 'every row', timeoutMs: 30_000 });
  expect(await mesh.numbers(output)).toEqual(wanted);
  // Beside it the slot of the next test would be moved back as soon as two instances are there again.
  await mesh.append('pipeline', 'kill', { type: 'PipelineDropped' });
}, 90_000);

it('doubles nothing when its process stands still until another has taken over, and goes on', async () => {
  const { input, output } = await define('still');
  await mesh.pipeline('still', 'INSERT INTO out_still SELECT n FROM in_still', alone);
  await mesh.settled('still', 'running');
  const [owner] = running('still');
  const feeding = new Feeding(mesh, input);
  await eventually(async () => (await mesh.count(output)) >= 100, { what: 'some rows' });
  processOf(owner)?.kill('SIGSTOP');
  feeding.slowDown();
  await eventually(() => runningBeside('still', owner), {
    what: 'the other to take over',
    timeoutMs: 30_000,
  });
  const before = await mesh.count(output);
  await eventually(async () => (await mesh.count(output)) > before, { what: 'its rows' });
  processOf(owner)?.kill('SIGCONT');
  await eventually(() => running('still').length === 1 && running('still')[0] !== owner, {
    what: 'the first to end',
  });
  const count = await feeding.stop();
  await eventually(async () => (await mesh.count(output)) >= count, { what: 'every row', timeoutMs: 30_000 });
  expect(await mesh.numbers(output)).toEqual(upTo(count));
}, 90_000);

it('goes on in order when its query changes while messages flow, and when it was stopped', async () => {
  const count = 2000;
  const { input, output } = await define('change');
  const query = (version: number) => `INSERT INTO out_change SELECT n, ${version} AS v FROM in_change`;
  await mesh.pipeline('change', query(1), alone);
  await mesh.settled('change', 'running');
  const feeding = mesh.feed(input, 0, count);
  await eventually(async () => (await mesh.count(output)) >= 300, { what: 'some rows' });
  await mesh.pipeline('change', query(2), alone);
  await mesh.settled('change', 'running');
  await mesh.append('pipeline', 'change', { type: 'PipelineStopped' });
  await mesh.settled('change', 'stopped');
  await feeding;
  await mesh.feed(input, count, count + 10);
  await mesh.append('pipeline', 'change', { type: 'PipelineStarted' });
  await eventually(async () => (await mesh.count(output)) >= count + 10, { what: 'every row', timeoutMs: 30_000 });
  expect(await mesh.numbers(output)).toEqual(upTo(count + 10));
}, 90_000);

it('reads by a durable of its own, which outlives a stop and not a drop, beside a sibling that fails', async () => {
  await define('own');
  const seen: number[] = [];
  mesh.nc.subscribe('laminar.output.own', {
    callback: (_, message) => void seen.push(message.json<{ n: number }>().n),
  });
  await mesh.connection('nowhere', { type: 'sink', subject: 'x', max_reconnects: 1 }, 'nats://127.0.0.1:1');
  await mesh.pipeline('sibling', 'INSERT INTO nowhere SELECT n FROM in_own');
  await mesh.pipeline('own', 'SELECT n FROM in_own', { reader: 'own' });
  await mesh.settled('own', 'running');
  await mesh.feed('in.own', 0, 50);
  await eventually(() => seen.length === 50, { what: 'its rows' });
  await mesh.append('pipeline', 'own', { type: 'PipelineStopped' });
  await mesh.settled('own', 'stopped');
  await mesh.feed('in.own', 50, 60);
  await mesh.append('pipeline', 'own', { type: 'PipelineStarted' });
  await eventually(() => seen.length === 60, { what: 'what came while it was stopped' });
  expect(seen).toEqual(upTo(60));
  await eventually(async () => (await mesh.jsm.consumers.info('IN_own', 'laminar-in_own-own')).num_ack_pending === 0, {
    what: 'every acknowledgement',
  });
  await mesh.append('pipeline', 'own', { type: 'PipelineDropped' });
  await eventually(
    async () => {
      for await (const { name } of mesh.jsm.consumers.list('IN_own')) if (name === 'laminar-in_own-own') return false;
      return true;
    },
    { what: 'the durable to be gone' },
  );
  expect((await mesh.jsm.consumers.info('IN_own', 'laminar-in_own')).num_pending).toBe(60);
});

it('finishes a message whose rows did not all fit when it was stopped, not once it is, and not by another query', async () => {
  const { input, output } = await define('half');
  const { config } = await mesh.jsm.streams.info(output);
  await mesh.jsm.streams.update(output, { ...config, discard: DiscardPolicy.New, max_msgs: 2 });
  const proxy = new TcpProxy(mesh.mesh.nats.port);
  await proxy.start();
  try {
    const sink = { type: 'sink', jetstream: true, subject: 'out.half', stream_name: output };
    await mesh.connection('out_half', sink, proxy.url);
    const query = (offset: number) =>
      `INSERT INTO out_half SELECT n + ${offset} + i AS n FROM in_half, generate_series(0, 2) AS i`;
    await mesh.pipeline('half', query(0), alone);
    await mesh.settled('half', 'running');
    let attempts = 0;
    mesh.nc.subscribe('out.half', { callback: () => void attempts++ });
    await mesh.feed(input, 0, 1);
    await eventually(async () => (await mesh.count(output)) === 2, { what: 'the rows that fit' });
    await mesh.append('pipeline', 'half', { type: 'PipelineStopped' });
    await mesh.settled('half', 'stopped');
    const made = attempts;
    await eventually(() => proxy.connections === 0, { what: 'its sink to be closed' });
    expect(attempts).toBe(made);
    await mesh.jsm.streams.update(output, { ...config, discard: DiscardPolicy.Old, max_msgs: -1 });
    await mesh.pipeline('half', query(10), alone);
    await eventually(() => mesh.pipelineState('half').message.includes('roll the pipeline back'), {
      what: 'the reason',
    });
    await mesh.pipeline('half', query(0), alone);
    await mesh.settled('half', 'running');
    await eventually(async () => (await mesh.count(output)) >= 3, { what: 'the other row' });
    expect(await mesh.numbers(output)).toEqual(upTo(3));
    await mesh.append('pipeline', 'half', { type: 'PipelineDropped' });
  } finally {
    await proxy.stop();
  }
}, 60_000);

it('ends when it is stopped, though its reader waits for a sink that does not answer', async () => {
  const { input, output } = await define('away');
  const proxy = new TcpProxy(mesh.mesh.nats.port);
  await proxy.start();
  try {
    const sink = { type: 'sink', jetstream: true, subject: 'out.away', stream_name: output };
    await mesh.connection('out_away', sink, proxy.url);
    await mesh.pipeline('away', 'INSERT INTO out_away SELECT n FROM in_away', alone);
    await mesh.settled('away', 'running');
    let loads = 0;
    const asked = mesh.nc.subscribe('$JS.API.STREAM.MSG.GET.KV_laminar_positions', {
      callback: (_, message) => void (message.string().includes('in_away.away') && loads++),
    });
    proxy.pause();
    await mesh.feed(input, 0, 1);
    const isRead = async () => {
      for await (const { delivered } of mesh.jsm.consumers.list('IN_away')) if (delivered.stream_seq > 0) return true;
      return false;
    };
    await eventually(isRead, { what: 'the message to be read' });
    await mesh.jsm.streams.delete('IN_away');
    // By then it is known how far the source was read, and not how far the sink was written.
    await eventually(() => loads > 0, { what: 'its reader to begin again' });
    asked.unsubscribe();
    await mesh.append('pipeline', 'away', { type: 'PipelineStopped' });
    const leases = await new Kvm(mesh.nc).open(buckets.leases);
    await eventually(async () => (await leases.get('in_away.away.0'))?.operation === 'DEL', {
      what: 'its lease to be free',
    });
  } finally {
    await proxy.stop();
  }
}, 60_000);

it('says who else has written to its stream, and goes on where it was when those messages are deleted', async () => {
  const { input, output } = await define('foreign');
  await mesh.pipeline('foreign', 'INSERT INTO out_foreign SELECT n FROM in_foreign', alone);
  await mesh.settled('foreign', 'running');
  await mesh.feed(input, 0, 10);
  await eventually(async () => (await mesh.count(output)) === 10, { what: 'its rows' });
  const { seq } = await mesh.js.publish('out.foreign', '{"n":-1}');
  await mesh.feed(input, 10, 20);
  const reason = `somebody else has written message ${seq} to the stream "${output}"`;
  await eventually(
    () => {
      const state = mesh.pipelineState('foreign');
      if (state.state !== 'failed' || !state.message.includes(reason)) throw new Error(JSON.stringify(state));
      return true;
    },
    { what: 'the reason', timeoutMs: 50_000 },
  );
  expect(await mesh.numbers(output)).toEqual([...upTo(10), -1]);
  await mesh.jsm.streams.deleteMessage(output, seq);
  // What failed is tried again after half a minute, or at once when its sink is changed.
  const sink = { type: 'sink', jetstream: true, subject: 'out.foreign', stream_name: output };
  await mesh.connection('out_foreign', { ...sink, description: 'mended' });
  await eventually(async () => (await mesh.count(output)) >= 20, { what: 'the other rows', timeoutMs: 50_000 });
  await mesh.settled('foreign', 'running');
  expect(await mesh.numbers(output)).toEqual(upTo(20));
}, 120_000);
