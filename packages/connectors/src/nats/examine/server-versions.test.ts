import { createServer } from 'node:net';
import { startNats } from '@laminar/test';
import { connect } from '@nats-io/transport-node';
import { expect, it } from 'vitest';
import { serverVersions } from './server-versions.js';

it('servers say their versions to whoever connects, and what says none has a reason', async () => {
  const nats = await startNats({ config: 'authorization { token: "s3cret" }' });
  const silent = createServer().listen(0, '127.0.0.1');
  const nc = await connect({ servers: nats.url, token: 's3cret' });
  try {
    await new Promise((resolve) => (silent.listening ? resolve(undefined) : silent.once('listening', resolve)));
    const address = silent.address();
    const port = typeof address === 'object' && address ? address.port : 0;
    const found = await serverVersions([nats.url, `nats://127.0.0.1:${port}`, 'nats://127.0.0.1:1'], 300);
    expect(found).toEqual([
      { server: nats.url, version: nc.info?.version, reached: true, reason: '' },
      {
        server: `nats://127.0.0.1:${port}`,
        version: undefined,
        reached: true,
        reason: expect.stringContaining('said nothing for 300 ms'),
      },
      {
        server: 'nats://127.0.0.1:1',
        version: undefined,
        reached: false,
        reason: expect.stringContaining('ECONNREFUSED'),
      },
    ]);
  } finally {
    await nc.close();
    await nats.stop();
    await new Promise((resolve) => silent.close(resolve));
  }
});
