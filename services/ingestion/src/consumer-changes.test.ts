import { subjects } from '@laminar/protocol';
import { eventually, startJetStreamCluster, startNats, TcpProxy, type TestNats } from '@laminar/test';
import { type JetStreamManager, jetstream, jetstreamManager } from '@nats-io/jetstream';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { IngestionMesh } from './testing/ingestion-mesh.js';

// What happens to a stream, its consumer, its servers and the way to them while pipelines run: it is noticed within 10 s, said, and mended.

const noticedWithinMs = 10_000;

let mesh: IngestionMesh;
let server: TestNats;
let nc: NatsConnection;
let jsm: JetStreamManager;
beforeAll(async () => {
  mesh = await IngestionMesh.start();
  server = await startNats();
  nc = await connect({ servers: server.url, maxReconnectAttempts: -1, reconnectTimeWait: 50 });
  jsm = await jetstreamManager(nc);
});
afterAll(async () => {
  await nc?.close();
  await mesh?.stop();
  await server?.stop();
});

interface Subject {
  readonly stream: string;
  /** The field `n` of each row that came out, in order. */
  readonly rows: number[];
  feed(from: number, to: number): Promise<void>;
  /** Waits until the connection's state and message are so. */
  says(state: string, message: RegExp): Promise<void>;
}

/** A connection, and a pipeline whose rows are seen without any duplicate window in between. */
async function run(name: string, options: object, { servers = server.url, client = nc } = {}): Promise<Subject> {
  const stream = name.toUpperCase();
  await mesh.connection(
    name,
    {
      type: 'source',
      format: 'json',
      jetstream: true,
      stream_name: stream,
      subject: `${name}.in`,
      consumer_ack_wait_s: 2,
      reconnect_wait_ms: 100,
      max_reconnects: -1,
      ...options,
    },
    servers,
  );
  await mesh.pipeline(name, `SELECT n FROM ${name}`);
  await mesh.settled(name, 'running');
  const rows: number[] = [];
  mesh.nc.subscribe(subjects.output(name), {
    callback: (_, message) => void rows.push(message.json<{ n: number }>().n),
  });
  await mesh.nc.flush();
  const js = jetstream(client);
  return {
    stream,
    rows,
    async feed(from, to) {
      for (let n = from; n < to; ) {
        const sent = js.publish(`${name}.in`, JSON.stringify({ n }), { msgID: `${name}.${n}`, timeout: 1000 });
        if (await sent.catch(() => undefined)) n++;
      }
    },
    async says(state, message) {
      await eventually(
        () => {
          const summary = mesh.connectionState(name);
          if (summary.state === state && message.test(summary.message)) return true;
          throw new Error(JSON.stringify(summary));
        },
        { what: `the connection to be ${state} and to say ${message}`, timeoutMs: noticedWithinMs },
      );
    },
  };
}

const arrived = (rows: readonly number[], count: number, timeoutMs = 20_000) =>
  eventually(() => new Set(rows).size >= count, { what: `${count} different rows`, timeoutMs });

const upTo = (count: number) => Array.from({ length: count }, (_, n) => n);

const kinds = [
  ['pull', {}],
  ['push', { consumer_pull: false }],
] as const;

it.each(kinds)('a %s consumer that is deleted is made again where it was', async (kind, options) => {
  const name = `deleted_${kind}`;
  const { stream, rows, feed, says } = await run(name, { ...options, stream_subjects: `${name}.in` });
  await feed(0, 300);
  await arrived(rows, 300);
  // A row is seen before its message is acknowledged.
  await eventually(async () => (await jsm.consumers.info(stream, `laminar-${name}`)).ack_floor.stream_seq === 300, {
    what: 'the acknowledgements',
  });
  await jsm.consumers.delete(stream, `laminar-${name}`);
  await feed(300, 400);
  await says('connected', /was gone and was made again, to go on after sequence 300/);
  await arrived(rows, 400);
  expect(rows).toEqual(upTo(400));
});

it.each(kinds)('a stream that is deleted and made anew is read from its beginning (%s)', async (kind, options) => {
  const name = `anew_${kind}`;
  const { stream, rows, feed, says } = await run(name, { ...options, stream_subjects: `${name}.in`, start: 'new' });
  await feed(0, 50);
  await arrived(rows, 50);
  await jsm.streams.delete(stream);
  await feed(1000, 1050);
  await says('connected', /made anew; it is read from its beginning/);
  await arrived(rows, 100);
  expect(rows).toEqual([...upTo(50), ...upTo(50).map((n) => 1000 + n)]);
});

it('a stream that is purged is read on, and the gap is said', async () => {
  const { stream, rows, feed, says } = await run('purged', { stream_subjects: 'purged.in', consumer_rate_limit: 10 });
  await feed(0, 100);
  await arrived(rows, 1);
  await eventually(async () => (await mesh.connectionState('purged')).state === 'connected' && rows.length > 25, {
    what: 'the watch to have seen what waits',
  });
  await jsm.streams.purge(stream);
  await feed(100, 103);
  await says('connected', /lost messages up to sequence 100, by a purge or its limits/);
  await eventually(() => rows.includes(102), { what: 'what came afterwards' });
});

it.each(kinds)('the way to the server that is blocked for a while is opened again (%s)', async (kind, options) => {
  const name = `blocked_${kind}`;
  const proxy = new TcpProxy(server.port);
  await proxy.start();
  try {
    const settings = { ping_interval_s: 2, ping_max_outstanding: 2, stream_subjects: `${name}.in` };
    const { rows, feed } = await run(name, { ...options, ...settings }, { servers: proxy.url });
    await feed(0, 50);
    await arrived(rows, 50);
    proxy.pause();
    await feed(50, 100);
    await eventually(() => ['reconnecting', 'blocked'].includes(mesh.connectionState(name).state), {
      what: 'the blocked way to be noticed',
      timeoutMs: noticedWithinMs,
    });
    proxy.resume();
    await arrived(rows, 100, 30_000);
    await feed(100, 120);
    await arrived(rows, 120);
  } finally {
    proxy.cut();
    await proxy.stop();
  }
});

it('a server that is restarted is found again', async () => {
  const { rows, feed } = await run('restarted', { stream_subjects: 'restarted.in', consumer_pull: false });
  await feed(0, 50);
  await arrived(rows, 50);
  await server.restart();
  await feed(50, 100);
  await arrived(rows, 100);
});

it('a process that is killed goes on where its durable is', async () => {
  const { rows, feed } = await run('killed', { stream_subjects: 'killed.in', consumer_ack_policy: 'all' });
  await feed(0, 200);
  await arrived(rows, 200);
  mesh.process.kill('SIGKILL');
  await mesh.process.exited;
  await feed(200, 300);
  await mesh.mesh.start('ingestion', 'ingestion-1');
  await arrived(rows, 300, 30_000);
  // The last acknowledgements may have been lost with the process.
  expect(rows.length).toBeLessThan(300 + 200);
});

it('a cluster goes on when the server that leads the consumer is killed', async () => {
  const cluster = await startJetStreamCluster();
  const client = await connect({ servers: cluster.urls.split(','), maxReconnectAttempts: -1, reconnectTimeWait: 50 });
  try {
    const manager = await jetstreamManager(client, { checkAPI: false });
    await eventually(() => manager.streams.add({ name: 'LED', subjects: ['led.in', 'led_push.in'], num_replicas: 3 }), {
      what: 'the cluster to have a leader',
      timeoutMs: 40_000,
    });
    const pull = await run('led', {}, { servers: cluster.urls, client });
    const push = await run('led_push', { ...kinds[1][1], stream_name: 'LED' }, { servers: cluster.urls, client });
    for (const { feed, rows } of [pull, push]) {
      await feed(0, 100);
      await arrived(rows, 100);
    }
    const { leader } = (await manager.consumers.info('LED', 'laminar-led')).cluster ?? {};
    cluster.kill(leader ?? '');
    for (const { feed, rows } of [pull, push]) {
      await feed(100, 200);
      await arrived(rows, 200, 40_000);
    }
  } finally {
    await client.close();
    await cluster.stop();
  }
}, 120_000);
