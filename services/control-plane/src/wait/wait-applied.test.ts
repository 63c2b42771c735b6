import { eventually, startNats, type TestNats } from '@laminar/test';
import type { NatsConnection } from '@nats-io/nats-core';
import { connect } from '@nats-io/transport-node';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Answer, type Replica, SpokenInstance, startReplica } from '../testing.js';

let nats: TestNats;
let nc: NatsConnection;
let replica: Replica;
let instances: SpokenInstance[] = [];
const call: Replica['call'] = (...args) => replica.call(...args);

beforeAll(async () => {
  nats = await startNats();
  nc = await connect({ servers: nats.url });
  replica = await startReplica(nats.url, { secretsKey: new Uint8Array(32) });
  await eventually(() => replica.health.reason === undefined, { what: 'the control plane to be ready' });
});
beforeEach(() => {
  instances = [];
});
afterEach(async () => {
  for (const instance of instances) instance.leave();
  await nc.flush();
  await known(0);
});
afterAll(async () => {
  await replica.stop();
  await nc.close();
  await nats.stop();
});

async function instance(name: string): Promise<SpokenInstance> {
  const spoken = new SpokenInstance(nc, name);
  instances.push(spoken);
  await known(instances.length);
  return spoken;
}

/** A table's status lists every instance that is alive. */
async function known(count: number): Promise<void> {
  await call('PUT', 'tables/probe', { connector: 'nowhere', columns: [{ name: 'a', type: 'TEXT' }] });
  await eventually(async () => (await call('GET', 'tables/probe')).body.status.instances.length === count, {
    what: `${count} instances to be known`,
  });
}

const connection = {
  connector: 'nats',
  options: { servers: 'nats://localhost:4222', type: 'source', format: 'json', subject: 'a' },
};

/** An answer that is on its way, and whether it has come. */
function pendingCall(...args: Parameters<Replica['call']>) {
  const pending = { done: false, answer: Promise.resolve({} as Answer) };
  pending.answer = call(...args).finally(() => {
    pending.done = true;
  });
  return pending;
}

const revisionOf = async (path: string): Promise<number> => {
  const answer = await eventually(async () => (await call('GET', path)).status === 200 && call('GET', path), {
    what: `${path} to be stored`,
  });
  return answer.body.revision;
};

/** Everything that was said so far has reached the control plane, and an answer that came of it would be here. */
const heard = async () => {
  await nc.flush();
  await replica.mesh.connection.flush();
  await call('GET', 'connections');
};

describe('waiting for a secret', () => {
  it('ends when every instance knows the value, and none is still trying it', async () => {
    const [one, two] = [await instance('one'), await instance('two')];
    const token = `\${secret:waited}`;
    const options = { ...connection.options, token };
    const { revision } = (await call('PUT', 'connections/with_secret', { ...connection, options })).body;
    const said = { name: 'with_secret', desiredRevision: revision, appliedRevision: revision };
    const write = pendingCall('PUT', 'secrets/waited?wait=applied', { value: 'x' });
    const stored = await eventually(async () => (await call('GET', 'secrets')).body.items[0]?.revision, {
      what: 'the secret to be stored',
    });
    one.say(stored, { connections: [{ ...said, state: 'blocked', message: 'another reason' }] });
    await heard();
    expect(write.done).toBe(false);
    two.say(stored, { connections: [{ ...said, state: 'connecting' }] });
    await heard();
    expect(write.done).toBe(false);
    two.say(stored, { connections: [{ ...said, state: 'connected' }] });
    expect((await write.answer).status).toBe(201);
    const late = await call('PUT', 'secrets/waited?wait=applied&timeout_ms=50', { value: 'y' });
    expect(late).toMatchObject({ status: 504, body: { code: 'not_applied', revision: stored + 1 } });
    expect(late.headers.get('location')).toBeNull();
    const dropped = pendingCall('DELETE', 'secrets/waited?wait=applied');
    await eventually(async () => (await call('GET', 'secrets')).body.items.length === 0, { what: 'the drop' });
    for (const each of [one, two]) each.say(stored + 2);
    expect((await dropped.answer).status).toBe(204);
    await call('DELETE', 'connections/with_secret');
  });
});

describe('waiting for a pipeline', () => {
  it('ends when every instance has acted and those that report it run the revision', async () => {
    const [one, two] = [await instance('one'), await instance('two')];
    const write = pendingCall('PUT', 'pipelines/w1?wait=applied', { query: 'SELECT a FROM source' });
    const revision = await revisionOf('pipelines/w1');
    const report = (desiredRevision: number, appliedRevision: number, state: string) => ({
      pipelines: [{ name: 'w1', desiredRevision, appliedRevision, state, message: '' }],
    });
    one.say(revision, report(revision, 0, 'starting'));
    two.say(revision);
    await heard();
    expect(write.done).toBe(false);
    one.say(revision, report(revision, revision, 'running'));
    const { status, body } = await write.answer;
    expect(status).toBe(201);
    expect(body.status).toMatchObject({
      state: 'running',
      applied_revision: revision,
      instances: [{ instance: 'one', state: 'running', applied_revision: revision }],
    });

    const change = pendingCall('PATCH', 'pipelines/w1?wait=applied', { query: 'SELECT b FROM source' });
    const next = await eventually(
      async () => (await revisionOf('pipelines/w1')) > revision && revisionOf('pipelines/w1'),
      {
        what: 'the change to be stored',
      },
    );
    one.say(next, report(next, next, 'running'));
    await heard();
    expect(change.done).toBe(false);
    two.say(next);
    expect((await change.answer).status).toBe(200);
    expect((await call('GET', 'pipelines/w1?wait=applied&timeout_ms=1000')).status).toBe(200);
  });

  it.each(['blocked', 'stopped', 'failed'])('ends at once when it is %s', async (state) => {
    const one = await instance('one');
    const name = `w_${state}`;
    const write = pendingCall('PUT', `pipelines/${name}?wait=applied`, { query: 'SELECT a FROM source' });
    const revision = await revisionOf(`pipelines/${name}`);
    const status = { name, desiredRevision: revision, appliedRevision: 0, state, message: 'a reason' };
    one.say(revision, { pipelines: [status] });
    expect((await write.answer).body.status).toMatchObject({ state, message: 'a reason' });
  });

  it('of a stop ends when it has stopped, though it is blocked on the way', async () => {
    const one = await instance('one');
    await call('PUT', 'pipelines/ends', { query: 'SELECT a FROM source' });
    const started = await revisionOf('pipelines/ends');
    const stop = pendingCall('POST', 'pipelines/ends/stop?wait=applied');
    const revision = await eventually(
      async () => (await revisionOf('pipelines/ends')) > started && revisionOf('pipelines/ends'),
      { what: 'the stop to be stored' },
    );
    const status = { name: 'ends', desiredRevision: revision, appliedRevision: started, state: 'blocked', message: '' };
    one.say(revision, { pipelines: [status] });
    await heard();
    expect(stop.done).toBe(false);
    one.say(revision, { pipelines: [{ ...status, appliedRevision: revision, state: 'stopped' }] });
    expect(await stop.answer).toMatchObject({ status: 200, body: { status: { state: 'stopped' } } });
  });

  it('tells at the time limit that the write is stored, and what was waited for', async () => {
    const nobody = await call('POST', 'pipelines?wait=applied&timeout_ms=50', { name: 'w2', query: 'SELECT a FROM x' });
    const revision = await revisionOf('pipelines/w2');
    expect(nobody).toMatchObject({ status: 504, body: { code: 'not_applied', revision } });
    expect(nobody.body.detail).toContain(`the write is stored at revision ${revision}`);
    expect(nobody.body.detail).toContain('no ingestion instance is alive');
    expect(nobody.headers.get('location')).toBe('/api/v1/pipelines/w2');
    expect(nobody.headers.get('etag')).toBe(`"${revision}"`);
    (await instance('one')).say(revision);
    const silent = await call('GET', 'pipelines/w2?wait=applied&timeout_ms=50');
    expect(silent.body.detail).toContain('no instance has taken up the pipeline "w2" yet');
  });

  it('of another one, after a drop, ends when nothing is left of it', async () => {
    const one = await instance('one');
    const { body } = await call('PUT', 'pipelines/w3', { query: 'SELECT a FROM source' });
    const { revision } = body;
    const status = { name: 'w3', desiredRevision: revision, appliedRevision: revision, state: 'running', message: '' };
    one.say(revision, { pipelines: [status] });
    const drop = pendingCall('DELETE', 'pipelines/w3?wait=applied');
    await eventually(async () => (await call('GET', 'pipelines/w3')).status === 404, { what: 'the drop' });
    const { revision: dropped } = (await call('GET', 'pipelines/w3/history')).body.items.at(-1);
    one.say(dropped);
    await heard();
    expect(drop.done).toBe(false);
    one.say(dropped, { pipelines: [{ name: 'w3', removed: true }] });
    expect((await drop.answer).status).toBe(204);
  });
});

describe('waiting for a connection', () => {
  it('ends when the running pipelines over it, tables between, have taken it up', async () => {
    const one = await instance('one');
    await call('PUT', 'connections/source2', connection);
    await call('PUT', 'tables/table2', { connector: 'source2', columns: [{ name: 'a', type: 'TEXT' }] });
    await call('PUT', 'pipelines/over', { query: 'SELECT a FROM table2' });
    const { body: resting } = await call('PUT', 'pipelines/resting', {
      query: 'SELECT a FROM table2',
      desired: 'stopped',
    });
    const change = pendingCall('PATCH', 'connections/source2?wait=applied', { options: { subject: 'b' } });
    const revision = await eventually(
      async () => (await revisionOf('connections/source2')) > resting.revision && revisionOf('connections/source2'),
      { what: 'the change to be stored' },
    );
    const over = (appliedRevision: number) => ({
      name: 'over',
      desiredRevision: revision,
      appliedRevision,
      state: 'running',
      message: '',
    });
    one.say(revision, { pipelines: [over(resting.revision)] });
    await heard();
    expect(change.done).toBe(false);
    const ready = { name: 'source2', desiredRevision: revision, appliedRevision: revision, message: '' };
    one.say(revision, {
      pipelines: [over(revision)],
      connections: [{ ...ready, appliedRevision: 0, state: 'connecting' }],
    });
    await heard();
    expect(change.done).toBe(false);
    one.say(revision, { connections: [{ ...ready, state: 'connected' }] });
    expect((await change.answer).body.status).toMatchObject({ state: 'connected', applied_revision: revision });
  });

  it('that nobody reads ends when every instance has taken note', async () => {
    const one = await instance('one');
    const write = pendingCall('PUT', 'connections/idle?wait=applied', connection);
    one.say(await revisionOf('connections/idle'));
    expect((await write.answer).body.status.state).toBe('idle');
  });
});

describe('a script', () => {
  it('waits for all that it did', async () => {
    const one = await instance('one');
    const sql =
      "CREATE CONNECTION s1 TO nats (servers='nats://a:4222', type='source', format='json', subject='s'); CREATE PIPELINE s2 AS SELECT a FROM s1";
    const run = pendingCall('POST', 'sql?wait=applied', { sql });
    const revision = await revisionOf('pipelines/s2');
    one.say(revision);
    await heard();
    expect(run.done).toBe(false);
    const status = { name: 's2', desiredRevision: revision, appliedRevision: revision, state: 'running', message: '' };
    one.say(revision, { pipelines: [status] });
    expect((await run.answer).body.results[1].status.state).toBe('running');
  });

  it('tells at the time limit what it did', async () => {
    const sql = 'CREATE PIPELINE s3 AS SELECT a FROM x; CREATE PIPELINE s4 AS SELECT a FROM x';
    const late = await call('POST', 'sql?wait=applied&timeout_ms=50', { sql });
    const revision = await revisionOf('pipelines/s4');
    expect(late).toMatchObject({
      status: 504,
      body: {
        code: 'not_applied',
        revision,
        results: [
          { name: 's3', version: 1 },
          { name: 's4', revision },
        ],
      },
    });
  });
});
