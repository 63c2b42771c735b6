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

/** What a reader sees under a lease while nothing newer than `revision` is to be read. */
function reader(name: string, { incarnation = 1, revision = 5, lease = 10 }: { [of: string]: number | undefined }) {
  const reading = { name, incarnation: incarnation ?? 1 };
  return positions.ofDurable(reading, { revision: () => revision, lease: () => lease });
}

const lastSeen = (name: string, revision = 5, incarnation = 1) =>
  positions.kept({ name, incarnation }).lastSeen(revision);

it('keeps how far a durable was seen to have come', async () => {
  expect(await lastSeen('orders')).toBeUndefined();
  const store = reader('orders', {});
  for (const sequence of [0, 5, 9]) await store.save(at(sequence));
  expect(await lastSeen('orders')).toEqual(at(9));
  expect(await lastSeen('orders.own')).toBeUndefined();
  expect(await positions.of({ name: 'orders', incarnation: 1 }).load()).toBeUndefined();
});

it('says nothing once the reading was stopped or changed, and where the definition is another one', async () => {
  await reader('changed', { revision: 5 }).save(at(7));
  expect(await lastSeen('changed', 6)).toBeUndefined();
  expect(await positions.kept({ name: 'changed', incarnation: 1 }).seen()).toEqual(at(7));
  expect(await positions.kept({ name: 'changed', incarnation: 4 }).seen()).toBeUndefined();
  expect(await lastSeen('changed', 5, 4)).toBeUndefined();
  await reader('changed', { revision: 6 }).save(at(7));
  expect(await lastSeen('changed', 5)).toBeUndefined();
  expect(await lastSeen('changed', 6)).toEqual(at(7));
});

it('writes nothing for whoever reads nothing or holds no lease', async () => {
  const noReading = positions.ofDurable(
    { name: 'nobody', incarnation: 1 },
    { revision: () => undefined, lease: () => 1 },
  );
  const noLease = positions.ofDurable(
    { name: 'nobody', incarnation: 1 },
    { revision: () => 5, lease: () => undefined },
  );
  await noReading.save(at(1));
  await noLease.save(at(1));
  expect(await (await new Kvm(nc).open('laminar_positions')).get('durable/nobody')).toBeNull();
});

it('has the newer lease say the last word, however late the older one comes', async () => {
  const old = reader('fenced', { lease: 10 });
  await old.save(at(3));
  const next = reader('fenced', { lease: 11 });
  await next.save(at(2));
  for (const sequence of [4, 5]) await old.save(at(sequence));
  expect(await lastSeen('fenced')).toEqual(at(2));
  await next.save(at(6));
  expect(await lastSeen('fenced')).toEqual(at(6));
});

it('goes on after a write of somebody else, by the next one', async () => {
  const store = reader('unheard', {});
  await store.save(at(1));
  await (await new Kvm(nc).open('laminar_positions')).put('durable/unheard', 'x');
  await store.save(at(2));
  expect(await lastSeen('unheard')).toBeUndefined();
  await store.save(at(3));
  expect(await lastSeen('unheard')).toEqual(at(3));
});

it('is forgotten with the definition, and not with its namesake', async () => {
  await reader('dropped', { incarnation: 4 }).save(at(7));
  await positions.forgetDurable({ name: 'dropped', incarnation: 1 });
  await reader('dropped', { incarnation: 1, lease: 99 }).save(at(8));
  expect(await lastSeen('dropped', 5, 4)).toEqual(at(7));
  await positions.forgetDurable({ name: 'dropped', incarnation: 4 });
  await positions.forgetDurable({ name: 'dropped', incarnation: 4 });
  expect(await lastSeen('dropped', 5, 4)).toBeUndefined();
});

it.each(['', 'x', '{}', '{"definition":1,"revision":5,"source":"S","incarnation":"i","sequence":-1,"lease":1}'])(
  'takes %j, which somebody else wrote, for nothing',
  async (value) => {
    await (await new Kvm(nc).open('laminar_positions')).put('durable/foreign', value);
    expect(await lastSeen('foreign')).toBeUndefined();
    await reader('foreign', {}).save(at(0));
    expect(await lastSeen('foreign')).toEqual(at(0));
  },
);
