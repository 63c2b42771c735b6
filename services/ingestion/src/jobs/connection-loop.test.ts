import { readFile } from 'node:fs/promises';
import { ConnectorError, noLog } from '@laminar/connectors';
import { resolveConnection } from '@laminar/definitions';
import { eventually, startNats, type TestNats } from '@laminar/test';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Halted } from './backoff.js';
import { ConnectionLoop, type ConnectionLoopOptions } from './connection-loop.js';

let server: TestNats;
beforeAll(async () => {
  server = await startNats();
});
afterAll(() => server.stop());

function loopOf(use: ConnectionLoopOptions['use']): ConnectionLoop {
  const options = { type: 'source', format: 'json', subject: 'a', servers: server.url, max_reconnects: 1 };
  return new ConnectionLoop({
    spec: {
      name: 'c',
      revision: 1,
      incarnation: 1,
      cause: { traceparent: '', atMs: 0 },
      resolved: resolveConnection('c', { connector: 'nats', options }),
    },
    clientName: 'test',
    secrets: { find: (name) => ({ problem: `there is no secret "${name}"` }) },
    files: { read: (path) => readFile(path) },
    log: noLog,
    use,
    onStanding: () => undefined,
  });
}

// What fails for good is tried afresh after thirty seconds otherwise.
it('tries again at once where something changed during the attempt that failed', async () => {
  let uses = 0;
  const loop = loopOf(async (_, __, inUse) => {
    if (++uses > 1) return inUse();
    loop.wake();
    throw new ConnectorError('failed', 'it knew the old state of things');
  });
  try {
    loop.start();
    await eventually(() => loop.standing.state === 'connected', { what: 'the second attempt', timeoutMs: 5000 });
    expect(uses).toBeGreaterThan(1);
  } finally {
    await loop.stop();
  }
});

it('waits where what changed was in effect in the use that failed', async () => {
  let uses = 0;
  const loop = loopOf(async (_, __, inUse) => {
    uses++;
    inUse();
    loop.wake();
    loop.settle();
    throw new ConnectorError('failed', 'it knew the new state of things');
  });
  loop.start();
  await eventually(() => loop.standing.state === 'failed' && loop.connection === undefined, { what: 'the failure' });
  await loop.stop();
  expect(uses).toBe(1);
});

it('tries again at once where something changed and was not yet in effect in the use that failed', async () => {
  let uses = 0;
  const loop = loopOf(async (_, __, inUse) => {
    inUse();
    if (++uses > 1) return;
    loop.wake();
    throw new Halted('it knew the old state of things');
  });
  try {
    loop.start();
    await eventually(() => uses > 1, { what: 'the second attempt', timeoutMs: 5000 });
  } finally {
    await loop.stop();
  }
});

it('tries again soon after an error that nobody expected, and says so', async () => {
  let uses = 0;
  let end: () => void = () => undefined;
  const ended = new Promise<void>((resolve) => {
    end = resolve;
  });
  const loop = loopOf(async (_, __, inUse) => {
    if (++uses === 1) throw new Error('timeout');
    inUse();
    await ended;
  });
  try {
    loop.start();
    await eventually(() => loop.standing.state === 'connected' && uses > 1, {
      what: 'the second try',
      timeoutMs: 5000,
    });
    expect(loop.lastError).toBe('unexpected: timeout');
  } finally {
    end();
    await loop.stop();
  }
});

it('waits longer each time where what it uses fails again as soon as it works', async () => {
  let uses = 0;
  const loop = loopOf(async (_, __, inUse) => {
    uses++;
    inUse();
    throw new ConnectorError('blocked', 'it was deleted');
  });
  const startedMs = performance.now();
  try {
    loop.start();
    await eventually(() => uses === 5, { what: 'the fifth use' });
    // An eighth, a quarter, a half and one second at least; timers may be early by a millisecond.
    expect(performance.now() - startedMs).toBeGreaterThan(1800);
  } finally {
    await loop.stop();
  }
});

it('is connecting again from when something came that it could not connect for want of', async () => {
  let lacking = true;
  const loop = loopOf(async (_, lost, inUse) => {
    if (lacking) throw new ConnectorError('failed', 'there is no secret "s"');
    inUse();
    await new Promise((resolve) => lost.addEventListener('abort', resolve));
  });
  loop.start();
  await eventually(() => loop.standing.state === 'failed' && loop.connection === undefined, { what: 'the failure' });
  lacking = false;
  loop.retry();
  expect(loop.standing).toEqual({ state: 'connecting', message: '' });
  await eventually(() => loop.standing.state === 'connected', { what: 'the second attempt', timeoutMs: 5000 });
  loop.retry();
  expect(loop.standing.state).toBe('connected');
  await server.stop();
  await eventually(() => loop.standing.state !== 'connected', { what: 'the loss' });
  await loop.stop();
});
