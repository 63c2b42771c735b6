import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Api, apiOf } from '../api.js';
import { eventually } from '../eventually.js';
import { startMesh, type TestMesh } from '../servers/mesh.js';
import { type MonitoredNats, startMonitoredNats } from '../servers/monitored-nats.js';
import { startNats } from '../servers/nats.js';
import { specIt, specSql } from './spec.js';

// The specification's "Monitoring": each figure beside what the server counts itself, by its /connz and /jsz.

/** Tables have to be fresh within two seconds; a busy machine gets twice as long. */
const fresh = { timeoutMs: 4000 };

let mesh: TestMesh;
let server: MonitoredNats;
let nc: NatsConnection;
let api: Api;
beforeAll(async () => {
  server = await startMonitoredNats();
  mesh = await startMesh({ ingestion: 2 });
  nc = await connect({ servers: server.url });
  api = apiOf(mesh);
});
afterAll(async () => {
  await nc?.close();
  await mesh?.stop();
  await server?.stop();
});

type Row = { readonly [column: string]: unknown };

const define = async (sql: string) => {
  const script = sql.replaceAll('nats://localhost:4222', server.url);
  const { status, body } = await api.post('/sql?wait=applied&timeout_ms=15000', { sql: script });
  expect(status, JSON.stringify(body)).toBe(200);
};

/** The row of a connection in what the statement of the specification gives. */
async function connection(name: string): Promise<Row> {
  const row = (await api.rows(specSql('Connection Metrics'))).find(({ connection_name }) => connection_name === name);
  if (!row) throw new Error(`there is no row of ${name}`);
  return row;
}

const consumers = () => api.rows(specSql('JetStream Metrics'));

/** Waits until this holds for the rows of now beside what the server says now. */
const agree = (what: string, check: () => Promise<void>, options = fresh) =>
  eventually(
    async () => {
      await check();
      return true;
    },
    { what, ...options },
  );

/** What the server counts for all sockets of a connection. */
async function counted(name: string) {
  const clients = await server.clients(`${name}.`);
  const sum = (value: (client: (typeof clients)[number]) => number) =>
    clients.reduce((total, client) => total + value(client), 0);
  return {
    sockets: clients.length,
    subscriptions: sum(({ subscriptions }) => subscriptions),
    messages: sum(({ out_msgs }) => out_msgs),
    bytes: sum(({ out_bytes }) => out_bytes),
  };
}

specIt('Connection Metrics', 'counts what the server counts for a core source', async () => {
  await define(`${specSql('nats_source')} CREATE PIPELINE core_p AS SELECT * FROM nats_source;`);
  for (let n = 0; n < 500; n++) nc.publish(`events.${n % 3}`, JSON.stringify({ n, text: 'é'.repeat(n) }));
  await nc.flush();
  await agree('the figures of nats_source', async () => {
    const server = await counted('nats_source');
    expect(server).toMatchObject({ sockets: 1, messages: 500 });
    expect(await connection('nats_source')).toEqual({
      connection_name: 'nats_source',
      server_url: expect.stringContaining(nc.getServer()),
      state: 'connected',
      subscriptions_count: server.subscriptions,
      messages_received: server.messages,
      bytes_received: server.bytes,
      messages_dropped: 0,
      reconnects: 0,
      last_error: null,
    });
  });
});

specIt('Connection Metrics', 'counts the subscriptions of several sockets, pull consumers and sinks too', async () => {
  const sink = (jetstream: boolean, name: string) =>
    `CREATE CONNECTION ${name} TO nats (servers = '${server.url}', type = 'sink', format = 'json', subject = 'out.${name}', jetstream = ${jetstream}${
      jetstream ? ", stream_name = 'OUT', stream_subjects = 'out.>'" : ''
    });`;
  await define(`
    ${specSql('nats_queue')}
    ALTER CONNECTION nats_queue SET (parallelism = 2);
    ${specSql('nats_js_stream')} ${specSql('nats_pull')}
    ${sink(true, 'nats_out_js')} ${sink(false, 'nats_out_core')}
    CREATE PIPELINE queue_p AS SELECT * FROM nats_queue;
    CREATE PIPELINE pull_js AS INSERT INTO nats_out_js SELECT * FROM nats_pull;
    CREATE PIPELINE pull_core AS INSERT INTO nats_out_core SELECT * FROM nats_pull;`);
  const js = jetstream(nc);
  for (let n = 0; n < 20; n++) await js.publish('events.js', JSON.stringify({ n }));
  await agree('the subscriptions of nats_queue', async () => {
    const { sockets, subscriptions } = await counted('nats_queue');
    expect(sockets).toBe(2);
    expect(subscriptions).toBe(2);
    expect((await connection('nats_queue')).subscriptions_count).toBe(2);
  });
  await agree('the subscriptions of nats_pull', async () => {
    const { sockets, subscriptions } = await counted('nats_pull');
    expect(sockets).toBe(1);
    expect(subscriptions).toBeGreaterThan(1);
    expect(await connection('nats_pull')).toMatchObject({ subscriptions_count: subscriptions, messages_received: 20 });
  });
  await agree('the subscriptions of the sinks', async () => {
    const clients = await server.clients('sink');
    const subscriptions = clients.map((client) => client.subscriptions).sort();
    const rows = await Promise.all(['nats_out_core', 'nats_out_js'].map(connection));
    expect(rows.map(({ subscriptions_count }) => subscriptions_count)).toEqual(subscriptions);
    expect(rows.map(({ state }) => state)).toEqual(['connected', 'connected']);
  });
});

specIt('Connection Metrics', 'has a row for a connection that nothing reads, and none for a dropped one', async () => {
  await define(specSql('nats_exact'));
  await agree('the row of nats_exact', async () => {
    expect(await connection('nats_exact')).toMatchObject({
      state: 'idle',
      server_url: server.url,
      subscriptions_count: 0,
      messages_received: 0,
      last_error: null,
    });
  });
  await define('DROP CONNECTION nats_exact;');
  await agree('no row of nats_exact', () => expect(connection('nats_exact')).rejects.toThrow('no row'));
});

specIt(
  'Connection Metrics',
  'counts drops by the pending limit: what came is what was dropped and what was seen',
  async () => {
    await define(`
    CREATE CONNECTION nats_small TO nats (servers = '${server.url}', subject = 'small', type = 'source', format = 'json', pending_limits = 5);
    CREATE PIPELINE small_p AS SELECT * FROM nats_small;`);
    for (let n = 0; n < 5000; n++) nc.publish('small', '{}');
    await nc.flush();
    await agree('the drops', async () => {
      const [pipeline] = await api.rows("SELECT messages_in FROM system.pipelines WHERE name = 'small_p'");
      const { messages_received, messages_dropped } = await connection('nats_small');
      expect(messages_received).toBe(5000);
      expect(messages_dropped).toBeGreaterThan(0);
      expect(Number(pipeline?.messages_in) + Number(messages_dropped)).toBe(5000);
      const log = await api.rows(
        "SELECT attributes FROM system.nats_logs WHERE connection = 'nats_small' AND message LIKE 'messages were dropped%'",
      );
      const logged = log.map(({ attributes }) => JSON.parse(String(attributes)).count);
      expect(logged.reduce((a, b) => a + b, 0)).toBe(messages_dropped);
    });
  },
);

specIt(
  'JetStream Metrics',
  'gives what the server says of each consumer: idle, held up, and delivering again',
  async () => {
    const away = await startNats({ jetstream: false });
    try {
      await define(`
      CREATE CONNECTION nats_held TO nats (servers = '${server.url}', subject = 'events.>', type = 'source', format = 'json',
        jetstream = true, stream_name = 'EVENTS', consumer_max_ack_pending = 40);
      CREATE CONNECTION nats_failing TO nats (servers = '${server.url}', subject = 'events.js', type = 'source', format = 'json',
        jetstream = true, stream_name = 'EVENTS', on_error = 'retry');
      CREATE CONNECTION out_away TO nats (servers = '${away.url}', type = 'sink', format = 'json', subject = 'away', reconnect_wait_ms = 100, max_reconnects = -1);
      CREATE PIPELINE held_p AS INSERT INTO out_away SELECT * FROM nats_held;
      CREATE PIPELINE failing_p AS SELECT 1 / n AS x FROM nats_failing WHERE n < 3;`);
      await away.down();
      await eventually(
        async () =>
          (await api.rows("SELECT state FROM system.nats_connections WHERE connection_name = 'out_away'"))[0]?.state ===
          'reconnecting',
        { what: 'the sink to be away' },
      );
      const js = jetstream(nc);
      await Promise.all(Array.from({ length: 200 }, (_, n) => js.publish('events.more', JSON.stringify({ n }))));
      await agree(
        'the figures of all consumers of EVENTS',
        async () => {
          const said = await server.consumers('EVENTS');
          const rows = await consumers();
          const ofServer = said
            .map((consumer) => ({
              stream_name: 'EVENTS',
              consumer_name: consumer.name,
              pending_messages: consumer.num_pending,
              ack_pending: consumer.num_ack_pending,
              redelivered: consumer.num_redelivered,
              waiting_pulls: consumer.num_waiting,
              last_delivered: consumer.delivered.stream_seq,
              lag: consumer.num_pending + consumer.num_ack_pending,
            }))
            // One that nothing reads has no row.
            .filter(({ consumer_name }) => consumer_name !== 'laminar-nats_js_stream');
          const byName = (a: Row, b: Row) => String(a.consumer_name).localeCompare(String(b.consumer_name));
          expect([...rows].sort(byName)).toEqual(ofServer.sort(byName));
          const of = (name: string) => rows.find(({ consumer_name }) => consumer_name === name);
          expect(of('laminar-pull')).toMatchObject({ lag: 0, last_delivered: 220 });
          expect(of('laminar-pull')?.waiting_pulls).toBeGreaterThan(0);
          expect(of('laminar-nats_held')).toMatchObject({ ack_pending: 40 });
          expect(of('laminar-nats_held')?.pending_messages).toBeGreaterThan(100);
          expect(of('laminar-nats_failing')?.redelivered).toBeGreaterThan(0);
        },
        { timeoutMs: 15_000 },
      );
    } finally {
      await away.stop();
    }
  },
);

it('keeps the last error of a connection whose reader had to be made anew', async () => {
  const { consumers } = await jetstreamManager(nc);
  await consumers.delete('EVENTS', 'laminar-nats_failing');
  await agree(
    'the reader to be back',
    async () => {
      const { state, last_error } = await connection('nats_failing');
      expect({ state, last_error }).toEqual({
        state: 'connected',
        last_error: expect.stringContaining('it is made again'),
      });
    },
    { timeoutMs: 15_000 },
  );
});

specIt(
  'Connection Metrics',
  'counts reconnects of sources and sinks, keeps the last error, and goes on counting',
  async () => {
    const before = await connection('nats_source');
    await server.restart();
    await agree(
      'the connections to be back',
      async () => {
        expect(await connection('nats_source')).toMatchObject({
          state: 'connected',
          reconnects: 1,
          last_error: expect.stringContaining('was lost'),
          messages_received: before.messages_received,
        });
        expect(await connection('nats_out_core')).toMatchObject({ state: 'connected', reconnects: 1 });
      },
      { timeoutMs: 20_000 },
    );
    await eventually(async () => (await nc.rtt()) >= 0, { what: 'this client to be back' });
    nc.publish('events.after', '{}');
    await agree('the message after', async () => {
      expect((await connection('nats_source')).messages_received).toBe(Number(before.messages_received) + 1);
      const { subscriptions } = await counted('nats_source');
      expect((await connection('nats_source')).subscriptions_count).toBe(subscriptions);
    });
  },
);

it('shows in last_error that a server cut a process that stood still', async () => {
  const strict = await startMonitoredNats({ jetstream: false, config: 'write_deadline: "2500ms"' });
  const flood = await connect({ servers: strict.url });
  try {
    await define(`
      CREATE CONNECTION nats_slow TO nats (servers = '${strict.url}', subject = 'slow', type = 'source', format = 'json', queue_group = 'g', reconnect_wait_ms = 50);
      CREATE PIPELINE slow_p AS SELECT * FROM nats_slow;`);
    for (const process of mesh.ingestion) process.kill('SIGSTOP');
    const text = JSON.stringify({ text: 'x'.repeat(30_000) });
    await eventually(
      async () => {
        for (let n = 0; n < 100; n++) flood.publish('slow', text);
        await flood.flush();
        return (await strict.clients('nats_slow')).length === 0;
      },
      { what: 'the server to cut it' },
    );
    for (const process of mesh.ingestion) process.kill('SIGCONT');
    await agree(
      'the cut in last_error',
      async () => {
        const row = await connection('nats_slow');
        expect(row).toMatchObject({ state: 'connected' });
        expect(row.last_error).toContain('slow consumer');
      },
      { timeoutMs: 20_000 },
    );
  } finally {
    for (const process of mesh.ingestion) process.kill('SIGCONT');
    await flood.close();
    await strict.stop();
  }
});
