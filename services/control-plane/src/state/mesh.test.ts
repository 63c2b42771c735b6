import { openEventLog } from '@laminar/event-store';
import { buckets } from '@laminar/protocol';
import { eventually, freePort, startNats, type TestNats, temporaryDirectory } from '@laminar/test';
import { jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { afterEach, describe, expect, it } from 'vitest';
import { type Replica, startReplica } from '../testing.js';

let nats: TestNats;
let replicas: Replica[] = [];

afterEach(async () => {
  await Promise.all(replicas.splice(0).map((replica) => replica.stop()));
  await nats.stop();
});

async function start(count: number): Promise<void> {
  nats = await startNats();
  replicas = await Promise.all(Array.from({ length: count }, () => startReplica(nats.url)));
  await ready();
}

const ready = () =>
  eventually(() => replicas.every(({ health }) => health.reason === undefined), { what: 'all replicas to be ready' });

const at = (index: number): Replica => replicas[index % replicas.length] as Replica;
const query = { query: 'SELECT a FROM nowhere' };
const connection = {
  connector: 'nats',
  options: { servers: 'nats://localhost:4222', type: 'source', format: 'json', subject: 'a' },
};

describe('several replicas', () => {
  it('let one of fifty concurrent POSTs of a name win', async () => {
    await start(2);
    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, i) => at(i).call('POST', 'connections', { name: 'one', ...connection })),
    );
    const statuses = answers.map(({ status }) => status).sort();
    expect(statuses).toEqual([201, ...Array.from({ length: 49 }, () => 409)]);
  });

  it('read their own writes, lose no write of different names, and merge patches one after the other', async () => {
    await start(2);
    await Promise.all(
      Array.from({ length: 40 }, async (_, i) => {
        expect((await at(i).call('PUT', `pipelines/p${i}`, query)).status).toBe(201);
        expect((await at(i).call('GET', `pipelines/p${i}`)).status).toBe(200);
      }),
    );
    for (const replica of replicas)
      await eventually(async () => (await replica.call('GET', 'pipelines?limit=100')).body.items.length === 40, {
        what: 'each replica to know all',
      });
    await at(0).call('PUT', 'connections/merged', connection);
    await eventually(async () => (await at(1).call('GET', 'connections/merged')).status === 200, { what: 'the other' });
    const patches: [string, unknown][] = [
      ['subject', 'b'],
      ['description', 'Merged.'],
      ['max_reconnects', 3],
      ['ping_interval_s', 7],
    ];
    await Promise.all(
      patches.map(([option, value], i) => at(i).call('PATCH', 'connections/merged', { options: { [option]: value } })),
    );
    const { body } = await at(0).call('PATCH', 'connections/merged', {});
    expect(body.options).toMatchObject(Object.fromEntries(patches));
    expect(body.version).toBe(5);
  });
});

describe('a bus that is away', () => {
  it('is told by readiness and by writes, soon, while reads go on; all heals by itself', async () => {
    await start(1);
    const replica = at(0);
    await replica.call('PUT', 'pipelines/before', query);
    await nats.down();
    await eventually(async () => (await replica.call('GET', '/readyz')).status === 503, { what: 'readiness to fall' });
    expect((await replica.call('GET', '/readyz')).body.reason).toContain('the bus is away');
    expect((await replica.call('GET', '/livez')).status).toBe(200);
    const started = performance.now();
    const refused = await Promise.all([
      replica.call('PUT', 'pipelines/during', query),
      replica.call('POST', 'sql', { sql: 'CREATE PIPELINE during AS SELECT a FROM nowhere' }),
      replica.call('GET', 'pipelines/before/history'),
      replica.call('GET', 'events'),
      replica.call('GET', 'pipelines/before?version=1'),
    ]);
    expect(performance.now() - started).toBeLessThan(5500);
    for (const answer of refused) expect(answer).toMatchObject({ status: 503, body: { code: 'bus_unavailable' } });
    expect((await replica.call('GET', 'pipelines/before')).status).toBe(200);
    await nats.up();
    await ready();
    expect((await replica.call('PUT', 'pipelines/after', query)).status).toBe(201);
    expect((await replica.call('GET', 'pipelines/during')).status).toBe(404);
    expect((await replica.call('GET', 'events')).body.items).toMatchObject([{ name: 'before' }, { name: 'after' }]);
  });

  it('that has lost its events is told by readiness', async () => {
    const directory = await temporaryDirectory('store');
    try {
      nats = await startNats({ storeDir: directory.path });
      replicas = [await startReplica(nats.url)];
      await ready();
      await at(0).call('PUT', 'pipelines/lost', query);
      await nats.down();
      await directory.remove();
      await nats.up();
      const nc = await connect({ servers: nats.url });
      await openEventLog(nc, { bucket: buckets.definitions, replicas: 1 });
      await eventually(async () => (await at(0).call('GET', '/readyz')).body.reason?.includes('has lost events'), {
        what: 'readiness to tell it',
      });
      await nc.close();
    } finally {
      await directory.remove();
    }
  });

  it('that hangs makes no request hang', async () => {
    await start(1);
    nats.kill('SIGSTOP');
    try {
      const started = performance.now();
      const answers = await Promise.all([1, 2, 3].map((n) => at(0).call('PUT', `pipelines/p${n}`, query)));
      expect(performance.now() - started).toBeLessThan(6000);
      for (const { status, body } of answers) expect([status, body.code]).toEqual([503, 'bus_unavailable']);
    } finally {
      nats.kill('SIGCONT');
    }
    await eventually(async () => (await at(0).call('PUT', 'pipelines/after', query)).status < 300, { what: 'a write' });
    // What was given up before its turn came is never written behind the back of who was told so.
    const { body } = await at(0).call('GET', 'pipelines');
    expect(body.items.map(({ name }: { name: string }) => name)).not.toContain('p3');
  });

  it('may come after the service, which listens and says what it waits for', async () => {
    const port = await freePort();
    const replica = await startReplica(`nats://127.0.0.1:${port}`);
    replicas.push(replica);
    expect((await replica.call('GET', '/livez')).status).toBe(200);
    expect((await replica.call('GET', '/readyz')).body.reason).toContain('not connected yet');
    for (const answer of [
      await replica.call('PUT', 'pipelines/early', query),
      await replica.call('GET', 'pipelines'),
      await replica.call('GET', 'pipelines/early'),
      await replica.call('POST', 'sql', { sql: 'SHOW PIPELINES' }),
    ])
      expect(answer).toMatchObject({ status: 503, body: { code: 'not_ready' } });
    nats = await startNats({ port });
    await ready();
    expect((await replica.call('PUT', 'pipelines/early', query)).status).toBe(201);
  });
});

describe('the event log', () => {
  it('is replayed at the start, and what cannot be read is quarantined alone', async () => {
    await start(1);
    await at(0).call('PUT', 'pipelines/good', query);
    const nc = await connect({ servers: nats.url });
    await (await jetstreamManager(nc)).streams.info(`KV_${buckets.definitions}`);
    nc.publish(`$KV.${buckets.definitions}.pipeline.bad.0000000001`, 'not protobuf \u0007');
    await nc.flush();
    await at(0).call('PUT', 'pipelines/later', query);
    replicas.push(await startReplica(nats.url));
    await ready();
    for (const replica of replicas) {
      const { body } = await replica.call('GET', 'pipelines');
      expect(body.items.map(({ name }: { name: string }) => name)).toEqual(['good', 'later']);
      expect((await replica.call('GET', 'events')).body.items[1]).toMatchObject({ name: 'bad', type: 'Unreadable' });
      expect((await replica.call('GET', 'pipelines/bad/history')).body.items).toMatchObject([
        { version: 1, type: 'Unreadable', definition: null },
      ]);
      expect((await replica.call('GET', 'pipelines/bad?version=1')).body.detail).toContain('cannot be read');
    }
    const healed = await at(1).call('PUT', 'pipelines/bad', query);
    expect(healed).toMatchObject({ status: 201, body: { version: 2 } });
    await nc.close();
  });

  it('keeps what newer software wrote, which is neither written over nor said to be gone', async () => {
    await start(1);
    await at(0).call('PUT', 'pipelines/new', query);
    const nc = await connect({ servers: nats.url });
    const log = await openEventLog(nc, { bucket: buckets.definitions, replicas: 1 });
    // Of schema 99, with a field that is not known.
    const data = Uint8Array.of(0x08, 99, 0x9a, 0x3f, 1, 7);
    const key = 'pipeline.new.0000000002';
    await log.append({ key, data, expectedRevision: await log.lastRevision(), eventId: 'new-2' });
    await eventually(async () => (await at(0).call('GET', 'pipelines/new')).status === 409, { what: 'it to be read' });
    for (const answer of [
      await at(0).call('GET', 'pipelines/new'),
      await at(0).call('PUT', 'pipelines/new', query),
      await at(0).call('POST', 'pipelines', { name: 'new', ...query }),
      await at(0).call('DELETE', 'pipelines/new'),
      await at(0).call('POST', 'pipelines/new/stop'),
      await at(0).call('POST', 'sql', { sql: 'DROP PIPELINE IF EXISTS new' }),
      await at(0).call('POST', 'sql', { sql: 'CREATE PIPELINE IF NOT EXISTS new AS SELECT a FROM nowhere' }),
    ])
      expect([answer.status, answer.body.code, answer.body.detail]).toEqual([
        409,
        'conflict',
        expect.stringContaining('newer version of the software (schema 99'),
      ]);
    expect(await log.lastRevision()).toBe(2);
    expect([...((await log.read(key))?.data ?? [])]).toEqual([...data]);
    await nc.close();
  });
});
