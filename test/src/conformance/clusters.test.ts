import { connect } from '@nats-io/transport-node';
import { afterAll, beforeAll, describe, expect } from 'vitest';
import { eventually } from '../eventually.js';
import { startCluster, type TestCluster } from '../servers/cluster.js';
import { startMesh, type TestMesh } from '../servers/mesh.js';
import type { TestNats } from '../servers/nats.js';
import { MeshClient, type Row, textsOf } from './client.js';
import { specIt, specSql } from './spec.js';

// The specification's "Multiple Servers".

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

const written = 'nats://server1:4222,nats://server2:4222,nats://server3:4222';

async function withCluster(test: (cluster: TestCluster) => Promise<void>): Promise<void> {
  const cluster = await startCluster(3);
  try {
    await test(cluster);
  } finally {
    await cluster.stop();
  }
}

/** The servers that connections of this prefix are connected to, once so many are. */
async function serversOf(prefix: string, count: number, { servers }: TestCluster): Promise<(TestNats | undefined)[]> {
  const rows = await eventually(
    async () => {
      const sql = `SELECT i.port FROM system.nats_server_info i JOIN system.nats_connections c ON c.connection_name = i.connection
                   WHERE i.connection LIKE '${prefix}%' AND c.state = 'connected'`;
      const found = await client.api.rows(sql);
      return found.length === count && found;
    },
    { what: `${count} connections` },
  );
  return rows.map((row) => servers.find(({ port }) => port === row.port));
}

/** Publishes at a server, again and again, until a row comes out. */
async function flows(server: TestNats, rows: readonly Row[]): Promise<void> {
  const sender = await connect({ servers: server.url });
  const before = rows.length;
  await eventually(
    () => {
      // What is published while the subscription is not known to all servers yet goes nowhere.
      sender.publish('events.made', '{"n":1}');
      return rows.length > before;
    },
    { what: 'a row' },
  );
  await sender.close();
  expect(textsOf(rows).at(-1)).toBe('{"n":1}');
}

describe('Multiple Servers', () => {
  specIt('nats_cluster', 'it goes on where the server that it reads from is killed, and where that is killed too', () =>
    withCluster(async (cluster) => {
      await client.run(`${specSql('nats_cluster', { [written]: cluster.urls })}
        CREATE PIPELINE of_cluster AS SELECT n FROM nats_cluster`);
      const rows = await client.collect('laminar.output.of_cluster');
      const left = new Set(cluster.servers);
      for (let kills = 0; kills < 2; kills++) {
        const [used] = await serversOf('nats_cluster', 1, cluster);
        const other = [...left].find((server) => server !== used);
        if (!used || !other) throw new Error('it is connected to none of the servers');
        await flows(other, rows);
        used.kill('SIGKILL');
        left.delete(used);
        await client.systemRow(
          "SELECT reconnects FROM system.nats_connections WHERE connection_name = 'nats_cluster' AND state = 'connected'",
          (row) => row.reconnects === kills + 1,
        );
        await eventually(async () => (await serversOf('nats_cluster', 1, cluster))[0] !== used, {
          what: 'another server',
        });
        await flows(other, rows);
      }
      await client.run('DROP CONNECTION nats_cluster CASCADE');
    }),
  );

  /** Many connections by one statement, each with a pipeline. */
  const many = (count: number, prefix: string, sql: string) =>
    client.run(
      Array.from({ length: count }, (_, i) => {
        const name = `${prefix}_${i}`;
        return `${sql.replace('nats_cluster', name)} CREATE PIPELINE of_${name} AS SELECT n FROM ${name};`;
      }).join('\n'),
    );
  const drop = async (count: number, prefix: string) =>
    void (await client.run(
      Array.from({ length: count }, (_, i) => `DROP CONNECTION ${prefix}_${i} CASCADE;`).join('\n'),
    ));

  specIt('nats_cluster', 'randomize_servers = true spreads connections over the servers', () =>
    withCluster(async (cluster) => {
      const count = 20;
      await many(count, 'spread', specSql('nats_cluster', { [written]: cluster.urls }));
      expect(new Set(await serversOf('spread', count, cluster)).size).toBeGreaterThan(1);
      await drop(count, 'spread');
    }),
  );

  specIt('nats_cluster', 'randomize_servers = false goes by the order in which they are written', () =>
    withCluster(async (cluster) => {
      const count = 5;
      const [first, second] = cluster.servers;
      const sql = specSql('nats_cluster', {
        [written]: cluster.urls,
        'randomize_servers = true': 'randomize_servers = false',
      });
      await many(count, 'ordered', sql);
      expect(new Set(await serversOf('ordered', count, cluster))).toEqual(new Set([first]));
      first?.kill('SIGKILL');
      await client.systemRow(
        "SELECT COUNT(*) AS back FROM system.nats_connections WHERE connection_name LIKE 'ordered%' AND state = 'connected' AND reconnects = 1",
        ({ back }) => back === count,
      );
      await eventually(async () => !(await serversOf('ordered', count, cluster)).includes(first), {
        what: 'news of the servers',
      });
      expect(new Set(await serversOf('ordered', count, cluster))).toEqual(new Set([second]));
      await drop(count, 'ordered');
    }),
  );

  specIt('nats_cluster', 'a server that is away at the start does not matter', () =>
    withCluster(async (cluster) => {
      await cluster.servers[0]?.stop();
      const sql = specSql('nats_cluster', {
        [written]: cluster.urls,
        'randomize_servers = true': 'randomize_servers = false',
      });
      await many(1, 'partly', sql);
      expect(await serversOf('partly', 1, cluster)).toEqual([cluster.servers[1]]);
      await drop(1, 'partly');
    }),
  );
});
