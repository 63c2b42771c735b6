import { afterEach, describe, expect, it } from 'vitest';
import { Health, startHealthServer } from './health.js';

let close: (() => Promise<void>) | undefined;
afterEach(() => close?.());

async function start() {
  const health = new Health();
  const server = await startHealthServer({
    host: '127.0.0.1',
    port: 0,
    health,
    metricsHandler: (_, response) => void response.end('some_metric 1\n'),
  });
  close = server.close;
  const ask = async (path: string, method = 'GET') => {
    const response = await fetch(`http://127.0.0.1:${server.port}${path}`, { method });
    return { status: response.status, body: await response.text() };
  };
  return { health, ask, port: server.port };
}

describe('health', () => {
  it('is ready when nothing is missing any more, and says what is', async () => {
    const { health, ask } = await start();
    expect(await ask('/readyz')).toEqual({
      status: 503,
      body: JSON.stringify({ status: 'not ready', reason: 'the service is starting' }),
    });
    health.set('start', undefined);
    expect(await ask('/readyz?verbose')).toEqual({ status: 200, body: JSON.stringify({ status: 'ready' }) });
    health.set('bus', 'the bus is away');
    health.set('log', 'the log is not caught up');
    expect(health.reason).toBe('the bus is away; the log is not caught up');
    health.set('bus', undefined);
    expect((await ask('/readyz')).status).toBe(503);
    health.set('log', undefined);
    health.warn('disk', ['it is nearly full']);
    expect(await ask('/readyz')).toEqual({
      status: 200,
      body: JSON.stringify({ status: 'ready', warnings: ['it is nearly full'] }),
    });
    health.warn('disk', []);
    expect((await ask('/readyz')).body).toBe(JSON.stringify({ status: 'ready' }));
  });

  it('is alive either way, shows metrics, and nothing else', async () => {
    const { ask } = await start();
    expect(await ask('/livez')).toEqual({ status: 200, body: JSON.stringify({ status: 'alive' }) });
    expect(await ask('/metrics')).toEqual({ status: 200, body: 'some_metric 1\n' });
    expect((await ask('/livez', 'HEAD')).status).toBe(200);
    expect((await ask('/livez', 'POST')).status).toBe(405);
    expect((await ask('/')).status).toBe(404);
  });

  it('fails where the port is taken', async () => {
    const { port, health } = await start();
    await expect(
      startHealthServer({ host: '127.0.0.1', port, health, metricsHandler: () => undefined }),
    ).rejects.toThrow(/EADDRINUSE/);
  });
});
