import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/nats-core';
import { connect } from '@nats-io/transport-node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Answer, type Api, apiOf } from '../api.js';
import { eventually } from '../eventually.js';
import { startMesh, type TestMesh } from '../servers/mesh.js';
import { startNats, type TestNats } from '../servers/nats.js';
import { type TemporaryDirectory, temporaryDirectory } from '../temporary-directory.js';

/** Every secret of this test holds it. */
const canary = 'canary5e8c';
const reference = (name: string) => `\${secret:${name}}`;
const byToken = (token: string) => `authorization { token: "${token}" }\n`;

describe('secrets of a mesh', () => {
  let directory: TemporaryDirectory;
  let mesh: TestMesh;
  let shop: TestNats;
  let store: TestNats;
  let bus: NatsConnection;
  let api: Api;
  const answers: Answer[] = [];
  const said = async (answer: Promise<Answer>): Promise<Answer> => {
    answers.push(await answer);
    return answer;
  };

  beforeAll(async () => {
    directory = await temporaryDirectory('secrets');
    await writeFile(join(directory.path, 'store_password'), `${canary}-password\n`);
    [shop, store] = await Promise.all([
      startNats({ config: byToken(`${canary}-first`), jetstream: false }),
      startNats({ config: `authorization { user: "ann", password: "${canary}-password" }\n`, jetstream: false }),
    ]);
    mesh = await startMesh({
      env: {
        LAMINAR_SECRETS_KEY: Buffer.alloc(32, canary).toString('base64'),
        LAMINAR_SECRETS_DIR: directory.path,
        LAMINAR_SECRET_STORE_USER: 'ann',
        LAMINAR_LOG_LEVEL: 'trace',
      },
    });
    bus = await connect({ servers: mesh.nats.url });
    api = apiOf(mesh);
  });
  afterAll(async () => {
    await bus?.close();
    await mesh?.stop();
    await Promise.all([shop?.stop(), store?.stop()]);
    await directory.remove();
  });

  const put = (path: string, body: unknown) => said(api.put(path, body));
  const stateOf = async (kind: 'connections' | 'pipelines', name: string) =>
    (await said(api.get(`/${kind}/${name}`))).body.status;
  /** Waits for a state, and a reason, of a connection; gives what its pipeline says. */
  const stands = async (name: string, state: string, message: RegExp) => {
    await eventually(
      async () => {
        const status = await stateOf('connections', name);
        if (status.state !== state || !message.test(status.message)) throw new Error(JSON.stringify(status));
        return true;
      },
      { what: `${name} to be ${state}`, timeoutMs: 15_000 },
    );
    return stateOf('pipelines', `from_${name}`);
  };
  const define = async (name: string, options: object) => {
    // Enough attempts for a server that restarts on a busy machine, few enough to be used up soon.
    const fast = { reconnect_wait_ms: 100, reconnect_jitter_ms: 0, max_reconnects: 40 };
    const whole = { type: 'source', format: 'json', subject: 'in', ...fast, ...options };
    const answer = await put(`/connections/${name}`, { connector: 'nats', options: whole });
    await put(`/pipelines/from_${name}`, { query: `SELECT n FROM ${name}` });
    return answer;
  };
  /** A message through the pipeline over a connection. */
  const flows = async (name: string, servers: string, login: object) => {
    const output = bus.subscribe(`laminar.output.from_${name}`, { max: 1 });
    await bus.flush();
    const sender = await connect({ servers, ...login });
    sender.publish('in', '{"n": 1}');
    await sender.drain();
    for await (const message of output) expect(message.json()).toEqual({ n: 1 });
  };

  it('block a connection while they are missing or wrong, and let it go on as soon as they are right', async () => {
    const defined = await define('shop', { servers: shop.url, token: reference('shop-token') });
    expect(defined.body.warnings).toMatchObject([{ code: 'missing_secret' }]);
    expect(
      await stands('shop', 'blocked', /"shop-token" is not stored, LAMINAR_SECRET_SHOP_TOKEN is not set/),
    ).toMatchObject({ state: 'blocked' });
    expect((await put('/secrets/shop-token', { value: `${canary}-wrong` })).status).toBe(201);
    await stands('shop', 'failed', /the server refuses the token/);
    const startedMs = Date.now();
    expect((await put('/secrets/shop-token', { value: `${canary}-first` })).status).toBe(200);
    expect(await stands('shop', 'connected', /^$/)).toMatchObject({ state: 'running' });
    // A connection that is failed is tried again every 30 seconds, unless its secret changes.
    expect(Date.now() - startedMs).toBeLessThan(10_000);
    await flows('shop', shop.url, { token: `${canary}-first` });
  });

  it('change without a restart', async () => {
    const { pid } = mesh.ingestion[0] ?? { pid: 0 };
    await shop.reload(byToken(`${canary}-second`));
    await stands('shop', 'failed', /the server refuses the token/);
    await put('/secrets/shop-token', { value: `${canary}-second` });
    await stands('shop', 'connected', /^$/);
    await flows('shop', shop.url, { token: `${canary}-second` });
    expect(mesh.ingestion[0]?.pid).toBe(pid);
  });

  it('may be deleted while they are in use, which counts from the next connect on', async () => {
    expect((await said(api.delete('/secrets/shop-token'))).status).toBe(204);
    await flows('shop', shop.url, { token: `${canary}-second` });
    expect((await said(api.get('/connections/shop'))).body.warnings).toMatchObject([{ code: 'missing_secret' }]);
    await shop.restart();
    await stands('shop', 'blocked', /is not stored/);
    await put('/secrets/shop-token', { value: `${canary}-second` });
    await stands('shop', 'connected', /^$/);
  });

  it('are found in the environment and the folder too', async () => {
    const login = { user: reference('store-user'), password: reference('store_password') };
    const defined = await define('store', { servers: store.url, ...login });
    expect(defined.body.warnings).toEqual([]);
    await stands('store', 'connected', /^$/);
    await flows('store', store.url, { user: 'ann', pass: `${canary}-password` });
  });

  it('hold up a sink alone, and let it go on', async () => {
    const options = { type: 'sink', servers: shop.url, subject: 'out', token: reference('out_token') };
    await put('/connections/out', { connector: 'nats', options });
    await put('/pipelines/to_out', { query: 'INSERT INTO out SELECT n FROM store' });
    const reaches = (state: string) =>
      eventually(
        async () => {
          const status = await stateOf('pipelines', 'to_out');
          return status.state === state && status;
        },
        { what: `the pipeline to be ${state}` },
      );
    expect(await reaches('blocked')).toMatchObject({ message: expect.stringContaining('"out_token" is not stored') });
    await put('/secrets/out_token', { value: `${canary}-second` });
    await reaches('running');
    const reader = await connect({ servers: shop.url, token: `${canary}-second` });
    const rows = reader.subscribe('out', { max: 1 });
    await reader.flush();
    const sender = await connect({ servers: store.url, user: 'ann', pass: `${canary}-password` });
    sender.publish('in', '{"n": 2}');
    await sender.drain();
    for await (const row of rows) expect(row.json()).toEqual({ n: 2 });
    await reader.close();
  });

  it('are read again by an ingestion process that starts anew', async () => {
    const [first] = mesh.ingestion;
    first?.kill('SIGKILL');
    await first?.exited;
    const next = await mesh.start('ingestion', 'ingestion-1');
    mesh.ingestion.push(next);
    await stands('shop', 'connected', /^$/);
    await flows('shop', shop.url, { token: `${canary}-second` });
  });

  it('are in no answer, event, stream, table, trace, metric or log', async () => {
    await said(api.get('/secrets'));
    await said(api.get('/events?limit=1000'));
    await said(api.get('/connections'));
    await said(
      api.put('/connections/plain', { connector: 'nats', options: { servers: shop.url, token: `${canary}-x` } }),
    );
    await said(api.put('/secrets/x', { value: `${canary}-x`, and: 1 }));
    const places: { [place: string]: string } = {
      answers: answers.map(({ body, headers }) => JSON.stringify([body, [...headers]])).join('\n'),
      streams: await everyStream(bus),
    };
    const tables = ['nats_connections', 'nats_server_info', 'pipelines', 'pipeline_instances', 'definitions'];
    for (const table of [...tables, 'definition_events', 'workers', 'spans']) {
      const rows = async () => {
        const found = await api.rows(`SELECT * FROM system.${table}`);
        return found.length > 0 && found;
      };
      places[table] = JSON.stringify(await eventually(rows, { what: `rows of ${table}` }));
    }
    for (const service of [...mesh.controlPlanes, ...mesh.ingestion, mesh.query]) {
      if (!service) continue;
      places[`log of ${service.name} ${service.pid}`] = service.output();
    }
    for (const { name, url } of [
      ...mesh.controlPlanes,
      ...mesh.ingestion.slice(-1),
      ...(mesh.query ? [mesh.query] : []),
    ]) {
      const metrics = await fetch(`${url}/metrics`);
      expect(metrics.status, name).toBe(200);
      places[`metrics of ${name}`] = await metrics.text();
    }
    expect(Object.keys(places).filter((place) => places[place] === '')).toEqual([]);
    expect(Object.keys(places).filter((place) => places[place]?.includes(canary))).toEqual([]);
    // It would be found: the events and tables tell of the secret by its name.
    expect(places.streams).toContain('shop-token');
    expect(places.definition_events).toContain('shop-token');
  });
});

/** Everything that the bus keeps, as text. */
async function everyStream(nc: NatsConnection): Promise<string> {
  const jsm = await jetstreamManager(nc);
  const texts: string[] = [];
  for await (const { config, state } of jsm.streams.list()) {
    if (state.messages === 0) continue;
    const consumer = await jetstream(nc).consumers.get(config.name, { deliver_policy: 'all' });
    for await (const message of await consumer.fetch({ max_messages: state.messages, expires: 2000 })) {
      texts.push(`${message.subject} ${Buffer.from(message.data).toString('latin1')}`);
      if (message.info.pending === 0) break;
    }
  }
  return texts.join('\n');
}
