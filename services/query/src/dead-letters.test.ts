import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type DeadLetter, deadLetterHeaders, deadLettersStream, headers, streams, subjects } from '@laminar/protocol';
import {
  eventually,
  type ServiceProcess,
  startNats,
  startService,
  type TemporaryDirectory,
  type TestNats,
  temporaryDirectory,
} from '@laminar/test';
import { type JetStreamManager, jetstream, jetstreamManager } from '@nats-io/jetstream';
import { type NatsConnection, headers as natsHeaders } from '@nats-io/nats-core';
import { connect } from '@nats-io/transport-node';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { select } from './testing.js';

let server: TestNats;
let directory: TemporaryDirectory;
let nc: NatsConnection;
let jsm: JetStreamManager;
const services: ServiceProcess[] = [];

beforeEach(async () => {
  server = await startNats();
  directory = await temporaryDirectory('query');
  nc = await connect({ servers: server.url });
  jsm = await jetstreamManager(nc);
  await jsm.streams.add(deadLettersStream(1));
});
afterEach(async () => {
  await Promise.all(services.splice(0).map((service) => service.stop()));
  await nc.close();
  await server.stop();
  await directory.remove();
});

async function start(): Promise<ServiceProcess> {
  const service = await startService({
    service: 'query',
    env: { NATS_URL: server.url, LAMINAR_DATA_DIR: directory.path },
  });
  services.push(service);
  return service;
}

const letterOf = (token: string, more: Partial<DeadLetter> = {}): DeadLetter => ({
  id: `orders.${token}`,
  connection: 'orders',
  pipeline: 'big',
  incarnation: 2,
  definitionRevision: 5,
  error: 'division by zero',
  origin: {
    subject: 'orders.new',
    reply: undefined,
    timestampMs: 1_774_747_800_000,
    headers: { 'X-Ü': ['1', '2'] },
    stored: { stream: 'ORDERS', sequence: 7, consumer: 'c', delivered: 3, streamIncarnation: 'x' },
  },
  ...more,
});

async function keep(letter: DeadLetter, payload: string | Uint8Array = '{"n":0}'): Promise<void> {
  const block = natsHeaders();
  for (const [name, value] of deadLetterHeaders(letter)) block.set(name, value);
  await jetstream(nc).publish(subjects.deadLetter(letter.id), payload, { headers: block });
}

async function withdraw(id: string): Promise<void> {
  const block = natsHeaders();
  block.set(headers.withdrawn, 'processed');
  await jetstream(nc).publish(subjects.deadLetter(id), '', { headers: block });
}

const rowsOf = (url: string) => select(url, 'SELECT * FROM system.dead_letters ORDER BY id');
const idsOf = async (url: string) => (await rowsOf(url)).map(({ id }) => id);
const shows = (url: string, ids: string[]) =>
  eventually(async () => JSON.stringify(await idsOf(url)) === JSON.stringify(ids), {
    what: `the dead letters ${ids.join(', ')}`,
    timeoutMs: 5000,
  });

describe('system.dead_letters', () => {
  it('has a row for each letter as it stands, and the same ones when the file was deleted', async () => {
    await keep(letterOf('early', { error: 'as it was first' }));
    const first = await start();
    await keep(letterOf('early'));
    await keep(letterOf('bytes', { pipeline: undefined }), new Uint8Array([0xff, 0x00]));
    const core = { subject: 'a', reply: 'r', timestampMs: 1, headers: undefined, stored: undefined };
    await keep(letterOf('core', { origin: core }), 'ümlaut');
    await keep(letterOf('gone'));
    await withdraw('orders.gone');
    await jetstream(nc).publish(subjects.deadLetter('orders.odd'), 'written by a stranger');
    await shows(first.url, ['orders.bytes', 'orders.core', 'orders.early']);
    const before = await rowsOf(first.url);
    expect(before).toMatchObject([
      { id: 'orders.bytes', pipeline: null, payload: '/wA=', sequence: 7 },
      { id: 'orders.core', payload: 'ümlaut', headers: null, sequence: null, subject: 'a' },
      {
        id: 'orders.early',
        connection: 'orders',
        pipeline: 'big',
        subject: 'orders.new',
        sequence: 7,
        error: 'division by zero',
        payload: '{"n":0}',
        headers: '{"X-Ü":["1","2"]}',
        definition_revision: 5,
      },
    ]);
    await first.stop();
    await rm(join(directory.path, 'query'), { recursive: true });
    const second = await start();
    expect(await rowsOf(second.url)).toEqual(before);
  });

  it('forgets what is processed, and what the stream has dropped', async () => {
    const { url } = await start();
    for (const token of ['a', 'b', 'c']) await keep(letterOf(token));
    await shows(url, ['orders.a', 'orders.b', 'orders.c']);
    await withdraw('orders.b');
    await shows(url, ['orders.a', 'orders.c']);
    await jsm.streams.purge(streams.deadLetters, { seq: 3 });
    await shows(url, ['orders.c']);
    await jsm.streams.purge(streams.deadLetters);
    await shows(url, []);
  });
});
