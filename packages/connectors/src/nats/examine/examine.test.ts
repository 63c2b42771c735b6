import { readFile } from 'node:fs/promises';
import { jsonCodec } from '@laminar/codecs';
import { connectionIssues, type Options, resolveConnection } from '@laminar/definitions';
import { startNats } from '@laminar/test';
import { jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { it } from 'vitest';
import { examineConnection } from '../../index.js';

const examine = (options: Options) => {
  const definition = { connector: 'nats', options: { type: 'source', format: 'json', ...options } } as const;
  const [issue] = connectionIssues(definition);
  if (issue) throw new Error(issue.message);
  return examineConnection('nats', {
    resolved: resolveConnection('orders', definition),
    clientName: 'test',
    secrets: { find: (name) => ({ problem: `there is no secret "${name}"` }) },
    files: { read: (path) => readFile(path) },
    codec: async () => jsonCodec,
    timeoutMs: 3000,
  });
};
it('x', async () => {
  const server = await startNats();
  const nc = await connect({ servers: server.url });
  const jsm = await jetstreamManager(nc);
  await jsm.streams.add({ name: 'ORDERS', subjects: ['orders.>'] });
  nc.publish('orders.a', '{"a":1}');
  await nc.flush();
  console.log(await examine({ servers: server.url, subject: 'a.>' }));
  console.log(await examine({ servers: server.url, subject: 'orders.*', jetstream: true, stream_name: 'ORDERS' }));
  console.log(
    await examine({ servers: `nats://127.0.0.1:1`, subject: 'orders.*', jetstream: true, stream_name: 'ORDERS' }),
  );
  console.log(await examine({ servers: server.url, type: 'sink', subject: 'orders.x', jetstream: true }));
  await nc.close();
  await server.stop();
});
