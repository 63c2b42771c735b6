import { laminar, subjects } from '@laminar/protocol';
import { eventually, startNats, type TestNats } from '@laminar/test';
import type { NatsConnection } from '@nats-io/nats-core';
import { connect } from '@nats-io/transport-node';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type Replica, startReplica } from '../testing.js';

const { ServerVersionsAnswer, ServerVersionsRequest } = laminar.v1;

let nats: TestNats;
let nc: NatsConnection;
let replica: Replica;
/** Servers that were asked for. */
let asked: string[] = [];

beforeAll(async () => {
  nats = await startNats();
  nc = await connect({ servers: nats.url });
  replica = await startReplica(nats.url);
  await eventually(() => replica.health.reason === undefined, { what: 'the control plane to be ready' });
});
afterEach(() => {
  asked = [];
});
afterAll(async () => {
  await replica.stop();
  await nc.close();
  await nats.stop();
});

/** Speaks for an ingestion instance while `work` runs: every server answers like this. */
async function whereServersAre(found: laminar.v1.ServerVersion.$Properties, work: () => Promise<void>): Promise<void> {
  const subscription = nc.subscribe(subjects.serverVersions, {
    callback: (_, message) => {
      const { servers } = ServerVersionsRequest.decode(message.data);
      asked.push(...servers);
      message.respond(
        ServerVersionsAnswer.encode({ servers: servers.map((server) => ({ ...found, server })) }).finish(),
      );
    },
  });
  await nc.flush();
  try {
    await work();
  } finally {
    subscription.unsubscribe();
    await nc.flush();
  }
}

const stream = { servers: 'nats://a:4222', type: 'source', format: 'json', jetstream: true, stream_name: 'S' };
const several = { connector: 'nats', options: { ...stream, filter_subjects: ['a', 'b'] } };
const put = (name: string, body: object) => replica.call('PUT', `connections/${name}`, body);

describe('an option that older servers do not know', () => {
  it('is refused where a server is older, by REST and by SQL, stored or only looked at', async () => {
    await whereServersAre({ version: '2.9.10', reached: true }, async () => {
      const detail = expect.stringMatching(
        /more than one subject needs nats-server 2\.10, and nats:\/\/a:4222 is 2\.9\.10/,
      );
      expect(await put('old', several)).toMatchObject({
        status: 422,
        body: { detail, errors: [{ code: 'server_too_old', pointer: '/options/filter_subjects' }] },
      });
      const sql = `CREATE CONNECTION old TO nats (servers = 'nats://a:4222', type = 'source', format = 'json',
        jetstream = true, stream_name = 'S', filter_subjects = ['a', 'b'])`;
      for (const path of ['sql', 'validate'])
        expect(await replica.call('POST', path, { sql })).toMatchObject({
          status: 422,
          body: { detail, errors: [{ code: 'server_too_old', position: { line: 2, column: 46 } }] },
        });
      expect((await replica.call('GET', 'connections/old')).status).toBe(404);
    });
  });

  it('is taken where all that answer are new enough', async () => {
    await whereServersAre({ version: '2.10.0', reached: true }, async () => {
      const made = await put('new', { ...several, options: { ...several.options, servers: 'nats://a:4222,b' } });
      expect(made).toMatchObject({ status: 201, body: { warnings: [] } });
      expect(asked).toEqual(['nats://a:4222', 'nats://b:4222']);
    });
  });

  it('is taken with a warning where nobody could be asked, and asked about again only when it changes', async () => {
    const alone = await put('alone', several);
    expect(alone).toMatchObject({
      status: 201,
      body: { warnings: [{ code: 'server_unchecked', message: expect.stringContaining('no ingestion service') }] },
    });
    await whereServersAre({ version: '', reached: false, reason: 'connect ECONNREFUSED' }, async () => {
      expect((await put('alone', several)).status).toBe(200);
      expect(asked).toEqual([]);
      expect(await put('away', several)).toMatchObject({
        status: 201,
        body: { warnings: [{ code: 'server_unchecked', message: expect.stringContaining('ECONNREFUSED') }] },
      });
    });
  });

  it('is not warned of where a server waits for the handshake that it stands for', async () => {
    const options = { ...stream, subject: 'a', tls_required: true, tls_handshake_first: true };
    await whereServersAre({ version: '', reached: true, reason: 'it said nothing' }, async () => {
      expect(await put('first', { connector: 'nats', options })).toMatchObject({ status: 201, body: { warnings: [] } });
    });
    await whereServersAre({ version: '2.9.10', reached: true }, async () => {
      expect(await put('second', { connector: 'nats', options })).toMatchObject({
        status: 422,
        body: { errors: [{ code: 'server_too_old', pointer: '/options/tls_handshake_first' }] },
      });
    });
  });

  it('is all that is asked about', async () => {
    await whereServersAre({ version: '2.9.10', reached: true }, async () => {
      expect((await put('plain', { connector: 'nats', options: { ...stream, subject: 'a' } })).status).toBe(201);
      expect(asked).toEqual([]);
    });
  });
});
