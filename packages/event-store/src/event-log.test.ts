import { eventually, startNats, type TestNats } from '@laminar/test';
import { jetstreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/nats-core';
import { connect } from '@nats-io/transport-node';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import {
  BusUnavailable,
  createCommandHandler,
  type EventLog,
  EventTooLarge,
  openEventLog,
  RevisionConflict,
  type StoredEvent,
  UnsafeLog,
} from './index.js';

let server: TestNats;
const connections: NatsConnection[] = [];
let bucketNumber = 0;

beforeAll(async () => {
  server = await startNats();
});
afterEach(async () => {
  await Promise.all(connections.splice(0).map((nc) => nc.close()));
});
afterAll(() => server.stop());

async function dial(url = server.url): Promise<NatsConnection> {
  const nc = await connect({ servers: url, maxReconnectAttempts: -1, reconnectTimeWait: 50 });
  connections.push(nc);
  return nc;
}

async function newLog(): Promise<{ log: EventLog; bucket: string; nc: NatsConnection }> {
  const nc = await dial();
  const bucket = `log_${++bucketNumber}`;
  return { nc, bucket, log: await openEventLog(nc, { bucket, replicas: 1 }) };
}

const bytes = (text: string) => new TextEncoder().encode(text);
const entry = (key: string, expectedRevision: number) => ({
  key,
  data: bytes(key),
  expectedRevision,
  eventId: `id-${key}`,
});

describe('the event log', () => {
  it('appends at the expected position and reads back', async () => {
    const { log } = await newLog();
    expect(await log.lastRevision()).toBe(0);
    expect(await log.append(entry('a.1', 0))).toBe(1);
    expect(await log.append(entry('a.2', 1))).toBe(2);
    expect(await log.lastRevision()).toBe(2);
    const read = await log.read('a.2');
    expect(read).toMatchObject({ key: 'a.2', revision: 2 });
    expect(new TextDecoder().decode(read?.data)).toBe('a.2');
    expect(await log.read('a.3')).toBeUndefined();
    expect((await log.readRange(1, 10)).map(({ key }) => key)).toEqual(['a.1', 'a.2']);
    expect((await log.readRange(2, 1)).map(({ key }) => key)).toEqual(['a.2']);
  });

  it('refuses an append at another position', async () => {
    const { log } = await newLog();
    await log.append(entry('a.1', 0));
    await expect(log.append(entry('a.2', 0))).rejects.toThrow(RevisionConflict);
  });

  it('takes a retry of the same event for the first append', async () => {
    const { log } = await newLog();
    expect(await log.append(entry('a.1', 0))).toBe(1);
    expect(await log.append(entry('a.1', 0))).toBe(1);
  });

  it('never writes a key twice, and the server refuses deletes and purges', async () => {
    const { log, bucket, nc } = await newLog();
    await log.append(entry('a.1', 0));
    await expect(log.append({ ...entry('a.1', 1), eventId: 'another' })).rejects.toThrow(RevisionConflict);
    const jsm = await jetstreamManager(nc);
    await expect(jsm.streams.deleteMessage(`KV_${bucket}`, 1)).rejects.toThrow();
    await expect(jsm.streams.purge(`KV_${bucket}`)).rejects.toThrow();
    expect((await log.readRange(1, 10)).length).toBe(1);
  });

  it('refuses an event that is too large', async () => {
    const { log } = await newLog();
    await expect(log.append({ ...entry('a.1', 0), data: new Uint8Array(512 * 1024 + 1) })).rejects.toThrow(
      EventTooLarge,
    );
  });

  it('refuses a stream in which events could be overwritten', async () => {
    const nc = await dial();
    await (await jetstreamManager(nc)).streams.add({
      name: 'KV_unsafe',
      subjects: ['$KV.unsafe.>'],
      max_msgs_per_subject: 1,
    });
    await expect(openEventLog(nc, { bucket: 'unsafe', replicas: 1 })).rejects.toThrow(UnsafeLog);
  });

  it('is caught up at once where there is nothing, and after the last event where there is', async () => {
    const { log } = await newLog();
    const empty = await log.subscribe(() => undefined);
    await empty.caughtUp;
    await empty.close();
    for (let i = 0; i < 50; i++) await log.append(entry(`a.${i}`, i));
    const seen: StoredEvent[] = [];
    const subscription = await log.subscribe((event) => seen.push(event));
    await subscription.caughtUp;
    expect(seen.map(({ revision }) => revision)).toEqual(Array.from({ length: 50 }, (_, i) => i + 1));
    await subscription.close();
  });

  it('goes on without gaps or repeats after the server was away, and says so meanwhile', async () => {
    const own = await startNats();
    try {
      const nc = await dial(own.url);
      const log = await openEventLog(nc, { bucket: 'log', replicas: 1 });
      const seen: number[] = [];
      const subscription = await log.subscribe(({ revision }) => seen.push(revision));
      await log.append(entry('a.1', 0));
      await subscription.reached(1, 5000);
      await own.down();
      await expect(log.append(entry('a.2', 1))).rejects.toThrow(BusUnavailable);
      await own.up();
      await eventually(() => log.append(entry('a.3', seen.length)).then(() => true), {
        what: 'an append after the restart',
      });
      await subscription.reached(2, 20_000);
      expect(seen).toEqual([1, 2].slice(0, seen.length));
      await subscription.close();
    } finally {
      await own.stop();
    }
  });
});

describe('the command handler', () => {
  interface Create {
    key: string;
    id: string;
  }

  async function replica(bucket: string) {
    const log = await openEventLog(await dial(), { bucket, replicas: 1 });
    const keys = new Set<string>();
    const subscription = await log.subscribe(({ key }) => keys.add(key));
    const handler = createCommandHandler<Create>({
      log,
      subscription,
      random: Math.random,
      decide({ key, id }) {
        if (keys.has(key)) throw new Error('taken');
        return [{ key, data: bytes(key), eventId: id }];
      },
    });
    return { handler, subscription, keys };
  }

  it('lets one of fifty concurrent commands for one key win, over two replicas', async () => {
    const replicas = await Promise.all([replica('race'), replica('race')]);
    const results = await Promise.allSettled(
      Array.from({ length: 50 }, (_, i) =>
        (replicas[i % 2] ?? replicas[0]).handler.handle({ key: 'x.1', id: `id-${i}` }),
      ),
    );
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    for (const result of results)
      if (result.status === 'rejected') expect(result.reason).toMatchObject({ message: 'taken' });
    await Promise.all(replicas.map(({ subscription }) => subscription.close()));
  });

  it('lets all commands for different keys win, and has folded each before it answers', async () => {
    const replicas = await Promise.all([replica('many'), replica('many')]);
    await Promise.all(
      Array.from({ length: 200 }, async (_, i) => {
        const { handler, keys } = replicas[i % 2] ?? replicas[0];
        await handler.handle({ key: `k${i}.1`, id: `id-${i}` });
        expect(keys.has(`k${i}.1`)).toBe(true);
      }),
    );
    await Promise.all(replicas.map(({ subscription }) => subscription.reached(200, 5000)));
    await Promise.all(replicas.map(({ subscription }) => subscription.close()));
  });
});
