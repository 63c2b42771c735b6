import { createServer, type Server } from 'node:net';
import { connect } from '@nats-io/transport-node';
import { afterAll, beforeAll, describe, expect } from 'vitest';
import { eventually } from '../eventually.js';
import { startMesh, type TestMesh } from '../servers/mesh.js';
import { startNats, type TestNats } from '../servers/nats.js';
import { MeshClient } from './client.js';
import { specIt, specSql } from './spec.js';

// The specification's "Retry Configuration": each of its options is seen to act.

let mesh: TestMesh;
let client: MeshClient;
beforeAll(async () => {
  mesh = await startMesh();
  client = await MeshClient.connect(mesh);
});
afterAll(async () => {
  await MeshClient.close(client);
  await mesh?.stop();
});

/** The statement under another name, with other values of some options. */
function retry(name: string, servers: string, options: { readonly [option: string]: number } = {}): string {
  let sql = specSql('nats_retry', { 'nats://localhost:4222': servers, nats_retry: name });
  for (const [option, value] of Object.entries(options))
    sql = sql.replace(new RegExp(`${option} = -?\\d+`), `${option} = ${value}`);
  return `${sql} CREATE PIPELINE of_${name} AS SELECT n FROM ${name};`;
}

/** Runs `test` with a server that is up and read by a connection of that name. */
async function reading(
  name: string,
  options: { readonly [option: string]: number },
  test: (server: TestNats) => Promise<void>,
): Promise<void> {
  const server = await startNats({ jetstream: false });
  try {
    await client.run(retry(name, server.url, options));
    await client.stands('connections', name, 'connected');
    await test(server);
  } finally {
    await client.api.delete(`/connections/${name}?cascade=true`);
    // A server that stands still does not end.
    server.kill('SIGCONT');
    await server.stop();
  }
}

async function flows(name: string, server: TestNats): Promise<void> {
  const rows = await client.collect(`laminar.output.of_${name}`);
  const sender = await connect({ servers: server.url });
  sender.publish('critical.x', '{"n":1}');
  await sender.drain();
  await client.arrived(rows, 1);
}

/** Takes the place of a server that is away: notes when somebody dials, and hangs up. */
async function withCounter(port: number, test: (dialledMs: readonly number[]) => Promise<void>): Promise<void> {
  const dialledMs: number[] = [];
  const counter: Server = createServer((socket) => {
    dialledMs.push(performance.now());
    socket.on('error', () => undefined);
    socket.destroy();
  });
  await new Promise<void>((resolve) => counter.listen(port, '127.0.0.1', resolve));
  try {
    await test(dialledMs);
  } finally {
    await new Promise((resolve) => counter.close(resolve));
  }
}

/** Times between so many attempts to dial a server that is away. The first follows the loss at once. */
async function gaps(server: TestNats, count: number): Promise<number[]> {
  await server.down();
  let found: number[] = [];
  await withCounter(server.port, async (dialledMs) => {
    await eventually(() => dialledMs.length > count, { what: `${count + 1} attempts`, timeoutMs: 40_000 });
    found = dialledMs.slice(1, count + 1).map((at, i) => at - (dialledMs[i] ?? 0));
  });
  await server.up();
  return found;
}

describe.concurrent('Retry Configuration', () => {
  specIt('nats_retry', 'as it is written, a connection comes back, with two seconds between attempts', () =>
    reading('nats_retry', {}, async (server) => {
      const waits = await gaps(server, 3);
      // What the definition says is counted from when an attempt began, which is a little before it is seen here.
      for (const wait of waits) expect(wait).toBeGreaterThan(1900);
      await client.stands('connections', 'nats_retry', 'connected');
      await flows('nats_retry', server);
      const [row] = await client.api.rows(
        "SELECT reconnects FROM system.nats_connections WHERE connection_name = 'nats_retry'",
      );
      expect(Number(row?.reconnects)).toBeLessThanOrEqual(1);
    }),
  );

  specIt('nats_retry', 'max_reconnects = -1 goes on when ten attempts, the default, are long over', () =>
    reading('without_end', { reconnect_wait_ms: 20, reconnect_jitter_ms: 0 }, async (server) => {
      await gaps(server, 25);
      await client.stands('connections', 'without_end', 'connected');
      await flows('without_end', server);
    }),
  );

  specIt('nats_retry', 'reconnect_jitter_ms makes the waits uneven, and never shorter', () =>
    reading('uneven', { reconnect_wait_ms: 100, reconnect_jitter_ms: 500 }, async (server) => {
      const waits = await gaps(server, 10);
      expect(Math.min(...waits)).toBeGreaterThan(80);
      // That ten of them are within a tenth of what they may be is a matter of one in a hundred million.
      expect(Math.max(...waits) - Math.min(...waits)).toBeGreaterThan(50);
    }),
  );

  specIt(
    'nats_retry',
    'ping_interval_s and ping_max_outstanding say when a server that is silent counts as lost',
    async () => {
      // One that loses patience after two pings, one after six, and the one as it is written, after minutes.
      const patience = {
        impatient: { ping_interval_s: 1, ping_max_outstanding: 1 },
        patient: { ping_interval_s: 1, ping_max_outstanding: 5 },
      };
      await reading('as_written', {}, async (server) => {
        await client.run(
          Object.entries(patience)
            .map(([name, options]) => retry(name, server.url, options))
            .join('\n'),
        );
        try {
          for (const name of Object.keys(patience)) await client.stands('connections', name, 'connected');
          server.kill('SIGSTOP');
          const state = async (name: string) => (await client.api.get(`/connections/${name}`)).body.status.state;
          await client.stands('connections', 'impatient', 'reconnecting');
          expect(await state('patient')).toBe('connected');
          await client.stands('connections', 'patient', 'reconnecting');
          expect(await state('as_written')).toBe('connected');
          server.kill('SIGCONT');
          for (const name of Object.keys(patience)) await client.stands('connections', name, 'connected');
          await flows('patient', server);
        } finally {
          for (const name of Object.keys(patience)) await client.api.delete(`/connections/${name}?cascade=true`);
        }
      });
    },
  );

  specIt('nats_source', 'max_reconnects is ten unless said otherwise: so many attempts, and no more', async () => {
    const server = await startNats({ jetstream: false });
    try {
      const sql = specSql('nats_source', { 'nats://localhost:4222': server.url });
      await client.run(`${sql} ALTER CONNECTION nats_source SET (reconnect_wait_ms = 200, reconnect_jitter_ms = 0);
        CREATE PIPELINE of_source AS SELECT n FROM nats_source`);
      await client.stands('connections', 'nats_source', 'connected');
      await server.down();
      await withCounter(server.port, async (dialledMs) => {
        await client.stands('connections', 'nats_source', 'failed', /not back after 10 attempts/);
        // The first attempts may come before somebody counts.
        expect(dialledMs.length).toBeGreaterThanOrEqual(7);
        expect(dialledMs.length).toBeLessThanOrEqual(10);
      });
      await server.up();
    } finally {
      await client.api.delete('/connections/nats_source?cascade=true');
      await server.stop();
    }
  });

  specIt(
    'nats_retry',
    'a connection whose attempts are used up is failed, its pipelines too, and it is tried afresh after half a minute',
    () =>
      reading('used_up', { max_reconnects: 3, reconnect_wait_ms: 50, reconnect_jitter_ms: 0 }, async (server) => {
        await server.down();
        await client.stands('connections', 'used_up', 'failed', /not back after 3 attempts.*refused/);
        const failedMs = performance.now();
        await client.stands('pipelines', 'of_used_up', 'failed', /used_up/);
        await server.up();
        await eventually(async () => (await client.api.get('/connections/used_up')).body.status.state === 'connected', {
          what: 'the fresh attempt',
          timeoutMs: 60_000,
        });
        expect(performance.now() - failedMs).toBeGreaterThan(28_000);
        await flows('used_up', server);
      }),
    120_000,
  );
});
