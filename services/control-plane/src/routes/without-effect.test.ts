import { eventually, startNats, type TestNats } from '@laminar/test';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Replica, startReplica } from '../testing.js';

let nats: TestNats;
let replica: Replica;

beforeAll(async () => {
  nats = await startNats();
  replica = await startReplica(nats.url);
  await eventually(() => replica.health.reason === undefined, { what: 'the control plane to be ready' });
});
afterAll(async () => {
  await replica.stop();
  await nats.stop();
});

const stream = { servers: 'h', type: 'source', format: 'json', subject: 'in', jetstream: true, stream_name: 'S' };
const connection = (options: object) => ({ connector: 'nats', options: { ...stream, ...options } });

describe('an option without an effect as things are', () => {
  it('is told of while it has none, and gets one by a pipeline', async () => {
    const body = connection({ consumer_backoff: '1s,5s', on_error: 'skip' });
    const made = await replica.call('PUT', 'connections/backed_off', body);
    expect(made.status).toBe(201);
    expect(made.body.warnings).toMatchObject([
      { code: 'no_effect', message: expect.stringMatching(/^"consumer_backoff" .*on_error = 'retry' here or in a/) },
    ]);
    await replica.call('PUT', 'tables/over', { connector: 'backed_off', columns: [{ name: 'a', type: 'TEXT' }] });
    const pipeline = { query: 'SELECT a FROM over', options: { on_error: 'retry' } };
    expect((await replica.call('PUT', 'pipelines/retries', pipeline)).body.warnings).toEqual([]);
    expect((await replica.call('GET', 'connections/backed_off')).body.warnings).toEqual([]);
    await replica.call('PATCH', 'pipelines/retries', { options: { on_error: null } });
    expect((await replica.call('GET', 'connections/backed_off')).body.warnings).toMatchObject([{ code: 'no_effect' }]);
  });

  it('is retrying over a connection that delivers once', async () => {
    await replica.call('PUT', 'connections/once', connection({ consumer_max_deliver: 1 }));
    const pipeline = { query: 'SELECT a FROM once', options: { on_error: 'retry' } };
    expect((await replica.call('PUT', 'pipelines/over_once', pipeline)).body.warnings).toMatchObject([
      { code: 'no_effect', message: expect.stringMatching(/^"on_error" .*a dead letter at once/) },
    ]);
  });

  it('is refused where nothing could give it one', async () => {
    const refused = await replica.call('PUT', 'connections/c', connection({ stream_max_age: 60 }));
    expect(refused).toMatchObject({
      status: 422,
      body: { errors: [{ code: 'option_does_not_apply', pointer: '/options/stream_max_age' }] },
    });
  });
});
