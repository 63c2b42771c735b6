import { afterAll, beforeAll, describe, expect } from 'vitest';
import { eventually } from '../eventually.js';
import { startMesh, type TestMesh } from '../servers/mesh.js';
import { startNats } from '../servers/nats.js';
import { MeshClient, type Row } from './client.js';
import { specIt, specSql } from './spec.js';

// The specification's "Batching".

let mesh: TestMesh;
let client: MeshClient;
beforeAll(async () => {
  mesh = await startMesh();
  client = await MeshClient.connect(mesh);
  await client.run(`${specSql('nats_batch', { 'nats://localhost:4222': mesh.nats.url })}
    CREATE PIPELINE of_batch AS SELECT n FROM nats_batch`);
});
afterAll(async () => {
  await MeshClient.close(client);
  await mesh?.stop();
});

const publish = (count: number) => {
  for (let n = 0; n < count; n++) client.nc.publish('high-volume.a', `{"n":${n}}`);
};

/** How long rows took to come, each from when all of them were sent. */
async function latencies(rows: Row[], count: number): Promise<number[]> {
  rows.length = 0;
  const sentMs = performance.now();
  publish(count);
  await client.arrived(rows, count);
  return rows.map(({ atMs }) => atMs - sentMs);
}

describe('Batching', () => {
  let rows: Row[];
  beforeAll(async () => {
    rows = await client.collect('laminar.output.of_batch');
  });

  specIt('nats_batch', 'a message waits 100 ms for others, and the others come with it', async () => {
    const waited = await latencies(rows, 10);
    // Timers of Node may be a millisecond early.
    expect(Math.min(...waited)).toBeGreaterThan(95);
  });

  specIt('nats_batch', 'a batch that is full waits for nothing, however long the others have to', async () => {
    const timeoutMs = 4000;
    await client.run(`ALTER CONNECTION nats_batch SET (batch_timeout_ms = ${timeoutMs})`);
    const waited = await latencies(rows, 2500);
    const [lastOfFull = 0, firstOfRest = 0] = waited.slice(1999, 2001);
    expect(firstOfRest).toBeGreaterThan(timeoutMs - 100);
    // The rest waits from when the batch before it was handed over, whose rows are out long before.
    expect(firstOfRest - lastOfFull).toBeGreaterThan(1000);
    await client.run('ALTER CONNECTION nats_batch SET (batch_timeout_ms = 100)');
  });

  specIt('nats_batch', 'what waits for its batch is not lost to a change of the pipeline', async () => {
    await client.run('ALTER CONNECTION nats_batch SET (batch_timeout_ms = 60000)');
    rows.length = 0;
    publish(5);
    await client.systemRow(
      "SELECT messages_received FROM system.nats_connections WHERE connection_name = 'nats_batch'",
      (row) => row.messages_received === 2515,
    );
    await client.run('STOP PIPELINE of_batch');
    await client.arrived(rows, 5);
    await client.run('ALTER CONNECTION nats_batch SET (batch_timeout_ms = 100); START PIPELINE of_batch');
  });

  specIt(
    'nats_batch',
    'what comes while a sink stands still waits in memory up to pending_limits; the rest is dropped and counted',
    async () => {
      const sent = 200_000;
      const sink = await startNats({ jetstream: false });
      try {
        await client.run(`
        CREATE CONNECTION stalled TO nats (servers = '${sink.url}', subject = 'stalled.rows', type = 'sink', format = 'json');
        CREATE PIPELINE to_stalled AS INSERT INTO stalled SELECT n FROM nats_batch;
        STOP PIPELINE of_batch`);
        sink.kill('SIGSTOP');
        publish(sent);
        await client.nc.flush();
        const row = await client.systemRow(
          "SELECT messages_received, messages_dropped FROM system.nats_connections WHERE connection_name = 'nats_batch'",
          ({ messages_received }) => messages_received === 2515 + sent,
        );
        sink.kill('SIGCONT');
        // What did not wait and was not dropped went to the sink before it held back.
        const inMemory = 65_536;
        const dropped = Number(row.messages_dropped);
        expect(dropped).toBeGreaterThan(0);
        expect(dropped).toBeLessThanOrEqual(sent - inMemory);
        await eventually(
          async () => {
            const [pipeline] = await client.api.rows(
              "SELECT messages_in FROM system.pipelines WHERE name = 'to_stalled'",
            );
            return Number(pipeline?.messages_in) === sent - dropped;
          },
          { what: 'all that was not dropped to go through' },
        );
      } finally {
        sink.kill('SIGCONT');
        await client.run('DROP PIPELINE to_stalled; DROP CONNECTION stalled');
        await sink.stop();
      }
    },
  );
});
