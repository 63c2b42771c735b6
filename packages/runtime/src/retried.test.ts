import { startNats, type TestNats } from '@laminar/test';
import type { NatsConnection } from '@nats-io/nats-core';
import { connect } from '@nats-io/transport-node';
import { pino } from 'pino';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { BusPauses } from './bus-pauses.js';
import { Health } from './health.js';
import { retried, retryWaitMs } from './retried.js';

let server: TestNats;
let nc: NatsConnection;
beforeAll(async () => {
  server = await startNats();
  nc = await connect({ servers: server.url, maxReconnectAttempts: -1, reconnectTimeWait: 20 });
});
afterAll(async () => {
  await nc?.close();
  await server?.stop();
});

/** What is asked of a service that answers the fourth request. */
const askedFour = () => {
  let asked = 0;
  const subject = `late.${Math.random()}`;
  return async () => {
    if (++asked === 4) nc.subscribe(subject, { max: 1, callback: (_, message) => void message.respond('at last') });
    return (await nc.request(subject, '', { timeout: 5000 })).string();
  };
};

it('tries until it is given, says what it waits for, and logs the first attempt and each doubling', async () => {
  const lines: { attempts: number; msg: string }[] = [];
  const logger = pino({}, { write: (line: string) => void lines.push(JSON.parse(line)) });
  const health = new Health();
  health.set('start', undefined);
  const work = askedFour();
  const reasons: (string | undefined)[] = [];
  const given = await retried({ nc, health, part: 'log', logger }, 'the log cannot be read', async () => {
    reasons.push(health.reason);
    return work();
  });
  expect(given).toBe('at last');
  const said = expect.stringContaining('the log cannot be read: no responders');
  expect(reasons).toEqual([undefined, said, said, said]);
  expect(lines).toMatchObject([1, 2].map((attempts) => ({ attempts, msg: said })));
});

it('waits twice as long each time, up to five seconds, and never all at the same time', () => {
  const waits = [0, 1].map((chance) => [0, 1, 2, 3, 4, 50].map((failures) => retryWaitMs(failures, chance)));
  expect(waits).toEqual([
    [250, 500, 1000, 2000, 2500, 2500],
    [500, 1000, 2000, 4000, 5000, 5000],
  ]);
});

it('is woken by the return of the bus, also where that came before it waited', async () => {
  const pauses = new BusPauses(nc);
  const waiting = pauses.wait(3_600_000);
  await server.restart();
  expect(await waiting).toBe(true);
  const statuses = nc.status();
  await server.restart();
  for await (const { type } of statuses) if (type === 'reconnect') break;
  expect(await pauses.wait(3_600_000)).toBe(true);
  expect(await pauses.wait(1)).toBe(false);
  pauses.stop();
});
