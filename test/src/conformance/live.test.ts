import { type JetStreamManager, jetstream, jetstreamManager } from '@nats-io/jetstream';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Answer, type Api, apiOf } from '../api.js';
import { eventually } from '../eventually.js';
import { startMesh, type TestMesh } from '../servers/mesh.js';
import { startNats, type TestNats } from '../servers/nats.js';
import { specIt, specSql } from './spec.js';

// A SELECT over a connection or a table, asked as a statement of its own: rows as they come, and nothing left behind.

let mesh: TestMesh;
let outside: TestNats;
let nc: NatsConnection;
let jsm: JetStreamManager;
let api: Api;
const monitored = (name: string) => `server_name: ${name}\nhttp: "127.0.0.1:-1"\n`;

beforeAll(async () => {
  [mesh, outside] = await Promise.all([startMesh(), startNats({ config: monitored('outside') })]);
  nc = await connect({ servers: outside.url });
  jsm = await jetstreamManager(nc);
  api = apiOf(mesh);
});
afterAll(async () => {
  await nc?.close();
  await mesh?.stop();
  await outside?.stop();
});

const here = () => ({ 'nats://localhost:4222': outside.url });

async function run(sql: string): Promise<void> {
  const { status, body } = await api.post('/sql?wait=applied', { sql });
  expect(status, JSON.stringify(body)).toBe(200);
}

const ask = (sql: string, timeout_ms = 1000): Promise<Answer> => api.post('/sql', { sql, timeout_ms });

/** Who is connected to the server that is read, beside this test. */
async function clients(): Promise<{ name: string; subscriptions: number }[]> {
  return [];
}
void clients;
void eventually;
void jetstream;
void jsm;
void describe;
void it;

specIt(
  'Message Metadata',
  'a live query over core messages: columns at once, and no row, for none is redelivered',
  async () => {
    await run(specSql('nats_source', here()));
    await run(specSql('nats_with_metadata'));
    const answer = await ask(specSql('Message Metadata'));
    expect(answer, JSON.stringify(answer.body)).toMatchObject({ status: 200 });
    console.log(JSON.stringify(answer.body));
    const asked = ask('SELECT payload, _nats_subject FROM nats_with_metadata LIMIT 2', 5000);
    const t = setInterval(() => nc.publish('events.x', '{"a":9007199254740993}'), 50);
    console.log(JSON.stringify((await asked).body));
    clearInterval(t);
  },
);
