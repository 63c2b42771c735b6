import { laminar, streams, subjects } from '@laminar/protocol';
import { eventually, freePort, startNats } from '@laminar/test';
import { DiscardPolicy } from '@nats-io/jetstream';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { IngestionMesh } from './testing/ingestion-mesh.js';

// What is wrong is a state with a reason, and heals by itself.

let mesh: IngestionMesh;
beforeAll(async () => {
  mesh = await IngestionMesh.start();
});
afterAll(() => mesh?.stop());

const source = (subject: string) => ({ type: 'source', format: 'json', subject });

async function rowsOf(pipeline: string): Promise<string[]> {
  const rows: string[] = [];
  mesh.nc.subscribe(subjects.output(pipeline), { callback: (_, message) => void rows.push(message.string()) });
  await mesh.nc.flush();
  return rows;
}

describe('what is missing', () => {
  it('blocks a pipeline until its connection comes', async () => {
    await mesh.pipeline('early', 'SELECT a FROM lateconn');
    expect(await mesh.settled('early', 'blocked')).toMatchObject({ message: expect.stringContaining('"lateconn"') });
    await mesh.connection('lateconn', source('late.>'));
    await mesh.settled('early', 'running');
  });

  it('blocks a pipeline until its stream comes', async () => {
    await mesh.connection('nostream', { ...source('ns.>'), jetstream: true, stream_name: 'NS' });
    await mesh.pipeline('nostream', 'SELECT n FROM nostream');
    expect(await mesh.settled('nostream', 'blocked')).toMatchObject({ message: expect.stringContaining('"NS"') });
    const rows = await rowsOf('nostream');
    await mesh.jsm.streams.add({ name: 'NS', subjects: ['ns.>'] });
    await mesh.js.publish('ns.a', '{"n":1}');
    await mesh.settled('nostream', 'running');
    await eventually(() => rows.length === 1, { what: 'the row' });
  });

  it('blocks a pipeline while its server cannot be reached', async () => {
    const port = await freePort();
    await mesh.connection('faraway', { ...source('far.>'), reconnect_wait_ms: 50 }, `nats://127.0.0.1:${port}`);
    await mesh.pipeline('faraway', 'SELECT n FROM faraway');
    const { message } = await mesh.settled('faraway', 'blocked');
    expect(message).toContain(`127.0.0.1:${port}`);
    expect(mesh.connectionState('faraway')).toMatchObject({ state: 'blocked' });
    const server = await startNats({ port });
    try {
      await mesh.settled('faraway', 'running');
      await server.down();
      await mesh.settled('faraway', 'blocked');
      expect(mesh.connectionState('faraway').state).toBe('reconnecting');
      await server.up();
      await mesh.settled('faraway', 'running');
    } finally {
      await mesh.append('pipeline', 'faraway', { type: 'PipelineDropped' });
      await server.stop();
    }
  });

  it.each([
    ['from core', {}],
    ['from JetStream', { jetstream: true, stream_name: 'SNK', stream_subjects: 'snk.>' }],
  ])(
    'leaves a connection connected whose only pipeline waits for a sink: it says for which (%s)',
    async (from, options) => {
      const port = await freePort();
      const name = from.replace(' ', '_').toLowerCase();
      await mesh.connection(`source_${name}`, { ...source('snk.>'), ...options });
      await mesh.connection(
        `sink_${name}`,
        { type: 'sink', subject: 'sunk', reconnect_wait_ms: 50 },
        `nats://127.0.0.1:${port}`,
      );
      await mesh.pipeline(name, `INSERT INTO sink_${name} SELECT n FROM source_${name}`);
      await mesh.settled(name, 'blocked');
      const said = () => mesh.connectionState(`source_${name}`);
      await eventually(() => said().state === 'connected', { what: 'a connection that is connected' });
      expect(said().message).toContain(`the sink "sink_${name}" is blocked`);
      expect(said().appliedRevision).toBeGreaterThan(0);
      const server = await startNats({ port });
      try {
        await mesh.settled(name, 'running');
        await eventually(() => said().state === 'connected' && said().message === '', { what: 'nothing to be said' });
      } finally {
        await mesh.append('pipeline', name, { type: 'PipelineDropped' });
        await server.stop();
      }
    },
  );

  it('is nothing while a sink is on its way: the pipeline starts, and is not blocked', async () => {
    const states: unknown[] = [];
    const heard = mesh.nc.subscribe(subjects.everyStatus, {
      callback: (_, message) => {
        const { pipelines } = laminar.v1.InstanceStatus.decode(message.data);
        for (const { name, state } of pipelines) if (name === 'tosink') states.push(state);
      },
    });
    await mesh.connection('opens', source('opens.>'));
    await mesh.connection('opening', { type: 'sink', subject: 'opened' });
    await mesh.pipeline('tosink', 'INSERT INTO opening SELECT n FROM opens');
    await mesh.settled('tosink', 'running');
    heard.unsubscribe();
    expect(states).toContain('running');
    expect(states).not.toContain('blocked');
  });

  it('holds a new pipeline back while its sink cannot be reached, and not its siblings', async () => {
    const port = await freePort();
    await mesh.connection('siblings', {
      ...source('sib.>'),
      jetstream: true,
      stream_name: 'SIB',
      stream_subjects: 'sib.>',
    });
    await mesh.pipeline('sibling', 'SELECT n FROM siblings');
    await mesh.settled('sibling', 'running');
    await mesh.connection(
      'farsink',
      { type: 'sink', subject: 'far.out', reconnect_wait_ms: 50 },
      `nats://127.0.0.1:${port}`,
    );
    await mesh.pipeline('intofar', 'INSERT INTO farsink SELECT n FROM siblings');
    expect(await mesh.settled('intofar', 'blocked')).toMatchObject({ message: expect.stringContaining('farsink') });
    const rows = await rowsOf('sibling');
    await mesh.js.publish('sib.a', '{"n":1}');
    await eventually(() => rows.length === 1, { what: 'the row of the sibling' });
    const server = await startNats({ port });
    try {
      await mesh.settled('intofar', 'running');
    } finally {
      await mesh.append('pipeline', 'intofar', { type: 'PipelineDropped' });
      await server.stop();
    }
  });
});

describe('what goes away', () => {
  it('is a consumer that somebody deletes: it is made again and reading goes on', async () => {
    await mesh.connection('deleted', {
      ...source('del.>'),
      jetstream: true,
      stream_name: 'DEL',
      stream_subjects: 'del.>',
    });
    await mesh.pipeline('deleted', 'SELECT n FROM deleted');
    await mesh.settled('deleted', 'running');
    await mesh.jsm.consumers.delete('DEL', 'laminar-deleted');
    const rows = await rowsOf('deleted');
    await mesh.js.publish('del.a', '{"n":1}');
    await eventually(() => rows.length > 0, { what: 'the row' });
  });

  it('is the bus: pipelines go on where they can, and everything is reported again', async () => {
    await mesh.connection('onbus', source('onbus.>'));
    await mesh.pipeline('onbus', 'SELECT n FROM onbus');
    await mesh.settled('onbus', 'running');
    await mesh.restartBus();
    await mesh.settled('onbus', 'running');
    const rows = await rowsOf('onbus');
    await eventually(
      () => {
        mesh.nc.publish('onbus.a', '{"n":1}');
        return rows.length > 0;
      },
      { what: 'a row after the restart' },
    );
    const { ok } = await fetch(`${mesh.process.url}/readyz`);
    expect(ok).toBe(true);
    // What is defined after the restart is applied, too.
    await mesh.pipeline('afterbus', 'SELECT n FROM onbus');
    await mesh.settled('afterbus', 'running');
  });
});

describe('messages that cannot be processed', () => {
  it('are kept as dead letters, with the reason, and do not stop the rest', async () => {
    await mesh.connection('poison', {
      ...source('poison.>'),
      jetstream: true,
      stream_name: 'POISON',
      stream_subjects: 'poison.>',
    });
    await mesh.pipeline('poison', 'SELECT 10 / n AS x FROM poison');
    await mesh.settled('poison', 'running');
    const rows = await rowsOf('poison');
    for (const payload of ['not json', '{"n":0}', '{"n":5}']) await mesh.js.publish('poison.a', payload);
    await eventually(() => rows.length === 1, { what: 'the good row' });
    expect(rows).toEqual(['{"x":2}']);
    await eventually(async () => (await mesh.count(streams.deadLetters)) === 2, { what: 'two dead letters' });
    const letter = await mesh.jsm.streams.getMessage(streams.deadLetters, { seq: 1 });
    expect(letter?.string()).toBe('not json');
    expect(letter?.header.get('Laminar-Error')).toContain('JSON');
    expect(letter?.header.get('Laminar-Subject')).toBe('poison.a');
    await eventually(async () => (await mesh.jsm.consumers.info('POISON', 'laminar-poison')).num_ack_pending === 0, {
      what: 'all three to be acknowledged',
    });
  });

  it('are kept again where their stream is made again, and sequences start anew', async () => {
    const connection = {
      ...source('renewed.>'),
      jetstream: true,
      stream_name: 'RENEWED',
      stream_subjects: 'renewed.>',
    };
    await mesh.connection('renewed', connection);
    await mesh.pipeline('renewed', 'SELECT n FROM renewed');
    await mesh.settled('renewed', 'running');
    const before = await mesh.count(streams.deadLetters);
    await mesh.js.publish('renewed.a', 'not json');
    await eventually(async () => (await mesh.count(streams.deadLetters)) === before + 1, { what: 'the first' });
    await mesh.jsm.streams.delete('RENEWED');
    await eventually(async () => (await mesh.jsm.consumers.info('RENEWED', 'laminar-renewed')).name !== '', {
      what: 'the stream and its consumer to be made again',
    });
    await mesh.js.publish('renewed.a', 'nor this');
    await eventually(async () => (await mesh.count(streams.deadLetters)) === before + 2, { what: 'the second' });
  });

  it('are waited for where they cannot be kept, and the pipeline says so', async () => {
    const count = 6000;
    await mesh.connection('unkept', { ...source('unkept.>'), pending_limits: count });
    await mesh.pipeline('unkept', 'SELECT n FROM unkept');
    await mesh.settled('unkept', 'running');
    const { config, state } = await mesh.jsm.streams.info(streams.deadLetters);
    const full = { ...config, discard: DiscardPolicy.New, max_msgs: state.messages };
    await mesh.jsm.streams.update(streams.deadLetters, full);
    for (let i = 0; i < count; i++) mesh.nc.publish('unkept.a', 'not json');
    const { message } = await mesh.settled('unkept', 'blocked');
    expect(message).toContain('dead letters cannot be kept');
    await mesh.jsm.streams.update(streams.deadLetters, config);
    await mesh.settled('unkept', 'running');
    await eventually(async () => (await mesh.count(streams.deadLetters)) === state.messages + count, {
      what: 'every dead letter',
    });
  });

  it('come again for the pipeline that asks for it, and not for its siblings', async () => {
    await mesh.connection('again', {
      ...source('again.>'),
      jetstream: true,
      stream_name: 'AGAIN',
      stream_subjects: 'again.>',
    });
    await mesh.pipeline('again', 'SELECT 10 / n AS x FROM again', { on_error: 'retry' });
    await mesh.pipeline('content', 'SELECT n FROM again');
    await mesh.settled('again', 'running');
    await mesh.settled('content', 'running');
    const failing = await rowsOf('again');
    const content = await rowsOf('content');
    await mesh.js.publish('again.a', '{"n":0}');
    await eventually(async () => (await mesh.jsm.consumers.info('AGAIN', 'laminar-again')).num_redelivered > 0, {
      what: 'the redelivery',
    });
    // Its delivery count shows that it came; it is done when the good version of the query has taken it.
    await mesh.pipeline('again', 'SELECT 10 / NULLIF(n, 0) AS x FROM again');
    await eventually(() => failing.length === 1, { what: 'the row' });
    expect(failing).toEqual(['{"x":null}']);
    expect(content).toEqual(['{"n":0}']);
  });

  it('stop the reader where that is asked for, until somebody changes something', async () => {
    await mesh.connection('strict', {
      ...source('strict.>'),
      jetstream: true,
      stream_name: 'STRICT',
      stream_subjects: 'strict.>',
      on_error: 'stop',
    });
    await mesh.pipeline('strict', 'SELECT 10 / n AS x FROM strict');
    await mesh.settled('strict', 'running');
    await mesh.js.publish('strict.a', '{"n":0}');
    expect(await mesh.settled('strict', 'failed')).toMatchObject({
      message: expect.stringContaining('division by zero'),
    });
    const rows = await rowsOf('strict');
    await mesh.pipeline('strict', 'SELECT 10 / NULLIF(n, 0) AS x FROM strict');
    await mesh.settled('strict', 'running');
    await eventually(() => rows.length === 1, { what: 'the row', timeoutMs: 15_000 });
    expect(rows).toEqual(['{"x":null}']);
  });
});

describe('definitions without a running pipeline', () => {
  it('have their stream and durable made, and lose the durable with the connection', async () => {
    await mesh.connection('idle', {
      ...source('idle.>'),
      jetstream: true,
      stream_name: 'IDLE',
      stream_subjects: 'idle.>',
    });
    await eventually(() => mesh.connectionState('idle').appliedRevision > 0, {
      what: 'the connection to be provisioned',
    });
    expect(mesh.connectionState('idle').state).toBe('idle');
    const { num_waiting } = await mesh.jsm.consumers.info('IDLE', 'laminar-idle');
    expect(num_waiting).toBe(0);
    await mesh.append('connection', 'idle', { type: 'ConnectionDropped' });
    await eventually(
      async () => !(await mesh.jsm.consumers.list('IDLE').next()).some(({ name }) => name === 'laminar-idle'),
      { what: 'the durable to be deleted' },
    );
    expect((await mesh.jsm.streams.info('IDLE')).config.name).toBe('IDLE');
  });

  it('start anew when they are dropped and created again at once', async () => {
    const streamOptions = { jetstream: true, stream_name: 'TWICE', stream_subjects: 'twice.>', start: 'new' };
    for (let round = 0; round < 5; round++) {
      const name = `twice_${round}`;
      const options = { servers: mesh.mesh.nats.url, ...source(`twice.${round}`), ...streamOptions };
      const definition = { connector: 'nats' as const, options };
      await mesh.append('connection', name, { type: 'ConnectionCreated', definition });
      // The first form is still being made when it goes, and the second was read.
      for (const pipeline of [`${name}_a`, `${name}_b`]) {
        await mesh.append('connection', name, { type: 'ConnectionDropped' });
        const revision = await mesh.append('connection', name, { type: 'ConnectionCreated', definition });
        await eventually(() => mesh.connectionState(name).appliedRevision === revision, { what: 'the connection' });
        // From now on nothing is missed, whatever is still to be done about the one before.
        await mesh.js.publish(`twice.${round}`, JSON.stringify({ n: pipeline }));
        const rows = await rowsOf(pipeline);
        await mesh.pipeline(pipeline, `SELECT n FROM ${name}`);
        await eventually(() => rows.length > 0, { what: `the row of ${pipeline}` });
        expect(rows).toEqual([JSON.stringify({ n: pipeline })]);
        await mesh.append('pipeline', pipeline, { type: 'PipelineDropped' });
      }
    }
  });

  it('are quarantined where an event cannot be read, alone', async () => {
    await mesh.connection('healthy', source('healthy.>'));
    await mesh.pipeline('healthy', 'SELECT n FROM healthy');
    await mesh.corrupt('connection', 'broken');
    await mesh.pipeline('overbroken', 'SELECT n FROM broken');
    expect(await mesh.settled('overbroken', 'blocked')).toMatchObject({ message: expect.stringContaining('broken') });
    await mesh.settled('healthy', 'running');
    await mesh.connection('broken', source('broken.>'));
    await mesh.settled('overbroken', 'running');
  });
});
