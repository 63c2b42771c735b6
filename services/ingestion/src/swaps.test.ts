import { subjects } from '@laminar/protocol';
import { eventually, freePort, startNats } from '@laminar/test';
import { jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Feeding } from './testing/feeding.js';
import { IngestionMesh } from './testing/ingestion-mesh.js';

// What runs is changed while messages flow, and what stands around it is not always there.

let mesh: IngestionMesh;
beforeAll(async () => {
  mesh = await IngestionMesh.start();
});
afterAll(() => mesh?.stop());

const upTo = (count: number) => Array.from({ length: count }, (_, n) => n);
const sorted = (numbers: readonly number[]) => [...numbers].sort((a, b) => a - b);

const streamed = (name: string, options = {}) =>
  mesh.connection(name, {
    type: 'source',
    format: 'json',
    jetstream: true,
    stream_name: name.toUpperCase(),
    stream_subjects: `${name}.>`,
    consumer_ack_wait_s: 1,
    ...options,
  });

const kept = (name: string) =>
  mesh.connection(name, {
    type: 'sink',
    subject: name,
    jetstream: true,
    stream_name: name.toUpperCase(),
    stream_subjects: name,
  });

/** The field `n` of every row of a pipeline without a sink of its own. */
async function rowsOf(pipeline: string): Promise<number[]> {
  const rows: number[] = [];
  mesh.nc.subscribe(subjects.output(pipeline), {
    callback: (_, message) => void rows.push(message.json<{ n: number }>().n),
  });
  await mesh.nc.flush();
  return rows;
}

describe('a pipeline that is given another sink', () => {
  it('loses and doubles nothing on the way', async () => {
    // A busy machine that stands still for half of it reads again what is in the sink of before.
    await streamed('moving', { consumer_ack_wait_s: 6 });
    await kept('moved_0');
    await mesh.pipeline('moving', 'INSERT INTO moved_0 SELECT n FROM moving');
    await mesh.settled('moving', 'running');
    const feeding = new Feeding(mesh, 'moving.x');
    const targets = upTo(8);
    for (const target of targets.slice(1)) {
      await kept(`moved_${target}`);
      await mesh.pipeline('moving', `INSERT INTO moved_${target} SELECT n FROM moving`);
      await mesh.settled('moving', 'running');
      await eventually(async () => (await mesh.count(`MOVED_${target}`)) > 0, { what: 'rows there' });
    }
    const count = await feeding.stop();
    const all = async () => (await Promise.all(targets.map((target) => mesh.numbers(`MOVED_${target}`)))).flat();
    await eventually(async () => (await all()).length >= count, { what: 'every row' });
    expect(sorted(await all())).toEqual(upTo(count));
  });

  it('goes on as it was until the sink can be reached, and says why', async () => {
    const port = await freePort();
    await streamed('patient');
    const before = await mesh.pipeline('patient', 'SELECT n FROM patient');
    await mesh.settled('patient', 'running');
    await mesh.connection(
      'nowhere',
      { type: 'sink', subject: 'nowhere', reconnect_wait_ms: 50 },
      `nats://127.0.0.1:${port}`,
    );
    await mesh.pipeline('patient', 'INSERT INTO nowhere SELECT n FROM patient');
    expect(await mesh.settled('patient', 'blocked')).toMatchObject({
      appliedRevision: before,
      message: expect.stringContaining('nowhere'),
    });
    const rows = await rowsOf('patient');
    await mesh.feed('patient.x', 0, 1);
    await eventually(() => rows.length === 1, { what: 'the row' });
    const server = await startNats({ port });
    try {
      await mesh.settled('patient', 'running');
      await mesh.feed('patient.x', 1, 2);
      await eventually(
        async () => (await mesh.jsm.consumers.info('PATIENT', 'laminar-patient')).num_ack_pending === 0,
        {
          what: 'the second message to be done with',
        },
      );
      expect(rows).toEqual([0]);
    } finally {
      await mesh.append('pipeline', 'patient', { type: 'PipelineDropped' });
      await server.stop();
    }
  });

  it('holds its messages when it is dropped and created again over it at once', async () => {
    const server = await startNats();
    const nc = await connect({ servers: server.url, maxReconnectAttempts: -1, reconnectTimeWait: 20 });
    try {
      const jsm = await jetstreamManager(nc);
      // A stream is there as soon as its server is; a subscriber might come behind the rows.
      await jsm.streams.add({ name: 'UNBORN', subjects: ['unborn'] });
      await server.down();
      await streamed('reborn');
      await mesh.pipeline('reborn', 'SELECT n FROM reborn');
      await mesh.settled('reborn', 'running');
      await mesh.connection('unborn', { type: 'sink', subject: 'unborn', reconnect_wait_ms: 50 }, server.url);
      await mesh.append('pipeline', 'reborn', { type: 'PipelineDropped' });
      await mesh.pipeline('reborn', 'INSERT INTO unborn SELECT n FROM reborn');
      await mesh.settled('reborn', 'blocked');
      await mesh.feed('reborn.x', 0, 3);
      await server.up();
      await mesh.settled('reborn', 'running');
      const last = () => jsm.streams.info('UNBORN').then(({ state }) => state.last_seq);
      await eventually(async () => (await last()) === 3, { what: 'the rows' });
      const rows = await Promise.all([1, 2, 3].map((seq) => jsm.streams.getMessage('UNBORN', { seq })));
      expect(sorted(rows.map((row) => row?.json<{ n: number }>().n ?? -1))).toEqual([0, 1, 2]);
    } finally {
      await mesh.append('pipeline', 'reborn', { type: 'PipelineDropped' });
      await nc.close();
      await server.stop();
    }
  });
});

describe('a sink that is given up', () => {
  it('doubles nothing of a sibling that was done with what the sink had not confirmed', async () => {
    const server = await startNats();
    try {
      await streamed('shared', { consumer_ack_wait_s: 6 });
      const sink = { type: 'sink', subject: 'lost', max_reconnects: 1, reconnect_wait_ms: 20 };
      await mesh.connection('lost', sink, server.url);
      await mesh.pipeline('losing', 'INSERT INTO lost SELECT n FROM shared');
      await mesh.pipeline('keeping', 'SELECT n FROM shared');
      for (const name of ['losing', 'keeping']) await mesh.settled(name, 'running');
      const rows = await rowsOf('keeping');
      // It takes the rows and confirms none.
      server.kill('SIGSTOP');
      await mesh.feed('shared.x', 0, 20);
      await eventually(() => rows.length === 20, { what: 'the rows of the sibling' });
      server.kill('SIGKILL');
      await eventually(() => mesh.connectionState('lost').state === 'failed', { what: 'the sink to be given up' });
      await server.up();
      const nc = await connect({ servers: server.url });
      const lost: number[] = [];
      nc.subscribe('lost', { callback: (_, message) => void lost.push(message.json<{ n: number }>().n) });
      await nc.flush();
      // A change has it dialled at once.
      await mesh.connection('lost', { ...sink, description: 'changed' }, server.url);
      await eventually(() => new Set(lost).size === 20, { what: 'the rows of the other' });
      await eventually(async () => (await mesh.jsm.consumers.info('SHARED', 'laminar-shared')).num_ack_pending === 0, {
        what: 'every acknowledgement',
      });
      expect(rows).toEqual(upTo(20));
      await nc.close();
    } finally {
      await mesh.append('pipeline', 'losing', { type: 'PipelineDropped' });
      await server.stop();
    }
  });
});

describe('a source connection that is changed', () => {
  it('loses and doubles nothing, however many slots it has and whatever its consumer holds', async () => {
    await streamed('resized');
    await kept('sized');
    await mesh.pipeline('resized', 'INSERT INTO sized SELECT n FROM resized');
    await mesh.settled('resized', 'running');
    const feeding = new Feeding(mesh, 'resized.x');
    for (const options of [{ parallelism: 4 }, { parallelism: 2, consumer_max_ack_pending: 50 }, { parallelism: 1 }]) {
      const before = await mesh.count('SIZED');
      const revision = await streamed('resized', options);
      await eventually(() => mesh.pipelineState('resized').appliedRevision === revision, { what: 'the change' });
      await eventually(async () => (await mesh.count('SIZED')) > before, { what: 'rows' });
    }
    const count = await feeding.stop();
    await eventually(async () => (await mesh.count('SIZED')) >= count, { what: 'every row' });
    expect(sorted(await mesh.numbers('SIZED'))).toEqual(upTo(count));
  });
});

describe('a sink that does not confirm', () => {
  it('keeps no sibling from changing, nor the slot from stopping and starting', async () => {
    // A busy machine that stands still for half of it reads all of it again.
    await streamed('stuck', { consumer_max_ack_pending: 10_000, consumer_ack_wait_s: 6 });
    // No stream takes the subject until the end.
    await mesh.connection('unstored', { type: 'sink', subject: 'unstored', jetstream: true });
    await mesh.pipeline('stuck', 'INSERT INTO unstored SELECT n FROM stuck');
    await mesh.pipeline('free', 'SELECT n, 1 AS v FROM stuck');
    await mesh.settled('free', 'running');
    await mesh.feed('stuck.x', 0, 8000);
    await mesh.settled('stuck', 'blocked');
    await mesh.pipeline('free', 'SELECT n, 2 AS v FROM stuck');
    await mesh.settled('free', 'running');
    for (const name of ['stuck', 'free']) await mesh.append('pipeline', name, { type: 'PipelineStopped' });
    await mesh.settled('stuck', 'stopped');
    await mesh.settled('free', 'stopped');
    await mesh.append('pipeline', 'stuck', { type: 'PipelineStarted' });
    await mesh.jsm.streams.add({ name: 'UNSTORED', subjects: ['unstored'] });
    await mesh.settled('stuck', 'running');
    await eventually(async () => (await mesh.count('UNSTORED')) >= 8000, { what: 'every row', timeoutMs: 50_000 });
    expect(sorted(await mesh.numbers('UNSTORED'))).toEqual(upTo(8000));
  }, 120_000);

  it('is no reason for a core source to stop serving its other pipelines', async () => {
    const server = await startNats();
    try {
      await mesh.connection('fan', { type: 'source', format: 'json', subject: 'fan.>' });
      await mesh.connection(
        'fragile',
        { type: 'sink', subject: 'fragile', max_reconnects: 1, reconnect_wait_ms: 20 },
        server.url,
      );
      await mesh.pipeline('fragile', 'INSERT INTO fragile SELECT n FROM fan');
      await mesh.pipeline('steady', 'SELECT n FROM fan');
      await mesh.settled('fragile', 'running');
      await mesh.settled('steady', 'running');
      const rows = await rowsOf('steady');
      let sent = 0;
      const feeding = setInterval(() => mesh.nc.publish('fan.x', JSON.stringify({ n: sent++ })), 1);
      await eventually(() => sent > 100, { what: 'some messages' });
      await server.down();
      await eventually(() => mesh.connectionState('fragile').state === 'failed', { what: 'the sink to be given up' });
      expect(mesh.pipelineState('fragile').state).toBe('blocked');
      const sentBefore = sent;
      await eventually(() => sent > sentBefore + 300, { what: 'more messages' });
      clearInterval(feeding);
      await eventually(() => rows.length >= sent, { what: 'every row of the other' });
      expect(rows).toEqual(upTo(sent));
    } finally {
      await mesh.append('pipeline', 'fragile', { type: 'PipelineDropped' });
      await server.stop();
    }
  });
});

describe("on_error = 'stop'", () => {
  it('goes on after each change, however soon after the stop it comes', async () => {
    await streamed('halting');
    await mesh.pipeline('halting', 'SELECT 10 / n AS n FROM halting', { on_error: 'stop' });
    await mesh.settled('halting', 'running');
    await mesh.feed('halting.x', 0, 1);
    for (let round = 0; round < 3; round++) {
      await eventually(() => mesh.pipelineState('halting').state === 'failed', { what: `stop ${round}` });
      // Bound to fail again.
      await mesh.pipeline('halting', `SELECT 10 / n AS n, ${round} AS round FROM halting`, { on_error: 'stop' });
      await eventually(() => mesh.pipelineState('halting').state !== 'failed', { what: `start ${round}` });
    }
    const rows = await rowsOf('halting');
    await mesh.pipeline('halting', 'SELECT n FROM halting', { on_error: 'stop' });
    await eventually(() => rows.length > 0, { what: 'the row' });
    expect(rows).toEqual([0]);
  });
});

describe('a core source whose pipeline waits for functions', () => {
  /** Two of these one after the other take longer than a swap or stop waits for what could come again. */
  const answerAfterMs = 1700;

  it.each([
    ['changed', (name: string) => mesh.pipeline(name, `SELECT slow(slow(n)) AS n, 2 AS v FROM ${name}`)],
    ['stopped', (name: string) => mesh.append('pipeline', name, { type: 'PipelineStopped' })],
  ])('loses nothing when it is %s', async (what, end) => {
    const name = `asking_${what}`;
    const asked: number[] = [];
    const responder = mesh.nc.subscribe('slow', {
      callback: (_, request) => {
        asked.push(request.json<[number]>()[0]);
        setTimeout(() => request.respond(JSON.stringify((asked.at(-1) ?? 0) + 1)), answerAfterMs);
      },
    });
    await mesh.function('slow', {
      arguments: [{ name: 'n', type: 'BIGINT' }],
      returns: 'BIGINT',
      language: 'nats',
      body: 'slow',
      calls: [],
    });
    await mesh.connection(name, { type: 'source', format: 'json', subject: `${name}.>` });
    await mesh.pipeline(name, `SELECT slow(slow(n)) AS n FROM ${name}`);
    await mesh.settled(name, 'running');
    const rows = await rowsOf(name);
    mesh.nc.publish(`${name}.x`, '{"n":1}');
    await eventually(() => asked.length === 1, { what: 'the function to be asked' });
    await end(name);
    await mesh.settled(name, what === 'stopped' ? 'stopped' : 'running');
    await eventually(() => rows.length === 1, { what: 'the row' });
    expect({ rows, asked }).toEqual({ rows: [3], asked: [1, 2] });
    responder.unsubscribe();
  });
});
