import { laminar, subjects } from '@laminar/protocol';
import { eventually, startNats, type TestNats } from '@laminar/test';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Replica, startReplica } from '../testing.js';

const { ConnectionTestAnswer, ConnectionTestRequest } = laminar.v1;

let nats: TestNats;
let nc: NatsConnection;
let replica: Replica;
const options = { servers: 'nats://localhost:4222', subject: 'in', type: 'source', format: 'json' };

beforeAll(async () => {
  nats = await startNats();
  nc = await connect({ servers: nats.url });
  replica = await startReplica(nats.url);
  await eventually(() => replica.health.reason === undefined, { what: 'the control plane to be ready' });
});
afterAll(async () => {
  await nc?.close();
  await replica?.stop();
  await nats?.stop();
});

it('is asked of an ingestion instance, and without one is a problem', async () => {
  const body = { connector: 'nats', options };
  const nobody = await replica.call('POST', 'connections/test', body);
  expect(nobody).toMatchObject({ status: 503, body: { code: 'ingestion_unavailable' } });
  const live = `CREATE CONNECTION seen TO nats (servers = 'nats://localhost:4222', subject = 'in', type = 'source', format = 'json');
    SELECT * FROM seen LIMIT 1`;
  expect(await replica.call('POST', 'sql', { sql: live })).toMatchObject({
    status: 503,
    body: { code: 'ingestion_unavailable', statement_index: 1, results: [{ action: 'created' }] },
  });

  const asked: laminar.v1.ConnectionTestRequest[] = [];
  const instance = nc.subscribe(subjects.connectionTest, {
    callback: (_, message) => {
      asked.push(ConnectionTestRequest.decode(message.data));
      const checks = [{ check: 'reach', status: 'failed', message: 'no', durationMs: 1.234 }];
      message.respond(ConnectionTestAnswer.encode({ checks }).finish());
    },
  });
  await nc.flush();
  const tested = await replica.call('POST', 'connections/test?timeout_ms=1500', { ...body, name: 'given' });
  expect(tested).toMatchObject({
    status: 200,
    body: { ok: false, checks: [{ check: 'reach', status: 'failed', message: 'no', duration_ms: 1.2 }] },
  });
  expect(asked).toMatchObject([{ name: 'given', timeoutMs: 1500, definition: { connector: 'nats' } }]);
  instance.unsubscribe();
});

it('does not stand in the way of a connection of the name "test"', async () => {
  expect(await replica.call('PUT', 'connections/test', { connector: 'nats', options })).toMatchObject({ status: 201 });
  expect(await replica.call('GET', 'connections/test')).toMatchObject({ status: 200, body: { name: 'test' } });
  expect(await replica.call('POST', 'connections/test/test')).toMatchObject({
    status: 503,
    body: { code: 'ingestion_unavailable' },
  });
  expect(await replica.call('DELETE', 'connections/test')).toMatchObject({ status: 204 });
});

it('refuses definitions that do not hold, names that cannot be and times without end', async () => {
  const call = (body: object, query = '') => replica.call('POST', `connections/test${query}`, body);
  const wrong = await call({ connector: 'nats', options: { ...options, subjct: 'x' } });
  expect(wrong.body.errors).toMatchObject([{ code: 'unknown_option', pointer: '/options/subjct' }]);
  expect(await call({ name: 'a b', connector: 'nats', options })).toMatchObject({ status: 422 });
  expect(await call({ connector: 'nats', options }, '?timeout_ms=0')).toMatchObject({ status: 400 });
});
