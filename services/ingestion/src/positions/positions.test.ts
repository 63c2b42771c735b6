import { startNats, type TestNats } from '@laminar/test';
import { Kvm } from '@nats-io/kv';
import type { NatsConnection } from '@nats-io/nats-core';
import { connect } from '@nats-io/transport-node';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Positions } from './positions.js';

let server: TestNats;
let nc: NatsConnection;
let positions: Positions;
beforeAll(async () => {
  server = await startNats();
  nc = await connect({ servers: server.url });
  positions = new Positions({ nc, replicas: 1 });
  await positions.start();
});
afterAll(async () => {
  await nc.close();
  await server.stop();
});

const at = (sequence: number) => ({ source: 'LEDGER', incarnation: 'k1', sequence, currentUntil: 0 });
const taken = { name: 'ConnectorError', steer: 'blocked', message: expect.stringContaining('another reader') };

it('keeps how far a reader has come for the next one', async () => {
  const first = positions.of({ name: 'next', incarnation: 1 });
  expect(await first.load()).toBeUndefined();
  for (const sequence of [0, 5, 9]) await first.save(at(sequence));
  expect(await positions.of({ name: 'next', incarnation: 1 }).load()).toMatchObject(at(9));
  expect(await positions.of({ name: 'other', incarnation: 1 }).load()).toBeUndefined();
});

it('refuses a reader from when another has saved', async () => {
  const old = positions.of({ name: 'fenced', incarnation: 1 });
  await old.load();
  await old.save(at(1));
  const next = positions.of({ name: 'fenced', incarnation: 1 });
  expect(await next.load()).toMatchObject(at(1));
  await old.save(at(2));
  await expect(next.save(at(1))).rejects.toMatchObject(taken);
  await next.load();
  await next.save(at(2));
  await expect(old.save(at(3))).rejects.toMatchObject(taken);
  await next.save(at(3));
});

it('lets one of two begin that know of nothing', async () => {
  const both = [positions.of({ name: 'race', incarnation: 1 }), positions.of({ name: 'race', incarnation: 1 })];
  for (const store of both) await store.load();
  const saved = await Promise.allSettled(both.map((store) => store.save(at(0))));
  expect(saved.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
});

it('knows its own write again, of which it never heard', async () => {
  const store = positions.of({ name: 'unheard', incarnation: 1 });
  await store.load();
  await store.save(at(1));
  const kv = await new Kvm(nc).open('laminar_positions');
  const entry = await kv.get('unheard');
  await kv.put('unheard', entry?.value ?? '');
  await store.save(at(2));
  await store.save(at(3));
});

it('says nothing to a namesake, who begins anew', async () => {
  const dropped = positions.of({ name: 'namesake', incarnation: 1 });
  await dropped.load();
  await dropped.save(at(7));
  const namesake = positions.of({ name: 'namesake', incarnation: 4 });
  expect(await namesake.load()).toBeUndefined();
  await namesake.save(at(0));
  await positions.forget({ name: 'namesake', incarnation: 1 });
  await namesake.save(at(1));
});

it('forgets what was dropped, and whoever still reads it', async () => {
  const store = positions.of({ name: 'dropped', incarnation: 1 });
  await store.load();
  await store.save(at(7));
  await positions.forget({ name: 'dropped', incarnation: 1 });
  await positions.forget({ name: 'dropped', incarnation: 1 });
  await expect(store.save(at(8))).rejects.toMatchObject(taken);
  const again = positions.of({ name: 'dropped', incarnation: 1 });
  expect(await again.load()).toBeUndefined();
  await again.save(at(0));
});

it.each(['', 'x', '{}', '{"definition":1,"source":"S","incarnation":"i","sequence":-1,"currentUntil":0,"owner":"o"}'])(
  'takes %j, which somebody else wrote, for nothing',
  async (value) => {
    const kv = await new Kvm(nc).open('laminar_positions');
    await kv.put('foreign', value);
    const store = positions.of({ name: 'foreign', incarnation: 1 });
    expect(await store.load()).toBeUndefined();
    await store.save(at(0));
  },
);
