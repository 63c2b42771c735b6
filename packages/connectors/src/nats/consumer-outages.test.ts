import { eventually, startNats, TcpProxy, temporaryDirectory } from '@laminar/test';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { afterEach, describe, it } from 'vitest';
import type { Reader } from '../index.js';
import { closeConnections, openConnection } from '../testing/connections.js';

// What happens to the servers and the way to them while a consumer is read.

afterEach(closeConnections);

/** Reads and acknowledges on and on; what came. */
function follow(reader: Reader): Set<string> {
  const seen = new Set<string>();
  void (async () => {
    for (let batch = await reader.read(); batch; batch = await reader.read()) {
      for (const [index, { data }] of batch.messages.entries()) {
        seen.add(new TextDecoder().decode(data));
        batch.ack(index);
      }
    }
  })();
  return seen;
}

const source = (name: string, options: object) => ({
  type: 'source',
  jetstream: true,
  stream_name: name,
  stream_subjects: name,
  consumer_ack_wait_s: 2,
  ...options,
});

const kinds = [
  ['pull', {}],
  ['push', { consumer_pull: false }],
  ['push and all', { consumer_pull: false, consumer_ack_policy: 'all' }],
] as const;

describe.each(kinds)('a consumer (%s)', (_, options) => {
  it('goes on after short cuts, by itself', async () => {
    const server = await startNats();
    const proxy = new TcpProxy(server.port);
    await proxy.start();
    const publisher = await connect({ servers: server.url });
    const js = jetstream(publisher);
    try {
      const { connection } = await openConnection(source('CUT', { ...options, servers: proxy.url }));
      await connection.provision();
      const reader = connection.reader();
      await reader.open();
      const seen = follow(reader);
      for (let round = 0; round < 5; round++) {
        for (let i = 0; i < 50; i++) await js.publish('CUT', `${round}.${i}`);
        await eventually(() => seen.size > round * 50, { what: 'some messages' });
        proxy.cut();
      }
      await eventually(() => seen.size === 250, { what: 'all messages' });
      const jsm = await jetstreamManager(publisher);
      await eventually(async () => (await jsm.consumers.info('CUT', 'laminar-orders')).num_ack_pending === 0, {
        what: 'all acknowledgements',
      });
      await reader.stop();
    } finally {
      await closeConnections();
      await publisher.close();
      await proxy.stop();
      await server.stop();
    }
  });

  it('goes on when the server takes smaller messages than before', async () => {
    const store = await temporaryDirectory('store');
    // JetStream by the file alone: nats-server 2.9 would lose it at a reload where the command line asked for it.
    const config = (limit: string) => `jetstream { store_dir: "${store.path}" }\nmax_payload: ${limit}`;
    const server = await startNats({ config: config('100KB'), jetstream: false });
    const publisher = await connect({ servers: server.url });
    const js = jetstream(publisher);
    try {
      const { connection } = await openConnection(source('SMALL', { ...options, servers: server.url }));
      await connection.provision();
      const reader = connection.reader();
      await reader.open();
      const seen = follow(reader);
      await js.publish('SMALL', 'x'.repeat(50_000));
      await eventually(() => seen.size === 1, { what: 'the large message' });
      // Below that nats-server 2.9 sends no answers of its own any more.
      await server.reload(config('4KB'));
      await eventually(
        async () => {
          const probe = await connect({ servers: server.url });
          const limit = probe.info?.max_payload;
          await probe.close();
          return limit === 4096;
        },
        { what: 'the limit' },
      );
      await js.publish('SMALL', 'small');
      await eventually(() => seen.has('small'), { what: 'the small message' });
      await reader.stop();
    } finally {
      await closeConnections();
      await publisher.close();
      await server.stop();
      await store.remove();
    }
  });
});
