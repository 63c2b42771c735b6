import { eventually, startNats, TcpProxy, type TestNats, temporaryDirectory } from '@laminar/test';
import { type JetStreamManager, jetstreamManager } from '@nats-io/jetstream';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { IngestionMesh } from './testing/ingestion-mesh.js';
import { sourceKinds } from './testing/source-kinds.js';
import { range, Survivor } from './testing/survivor.js';

// Every kind of source (testing/source-kinds.ts) through everything that can happen to its server, to what it reads there and to its process: nothing that is
// stored is lost or doubled, and what is lost is said. Where a fault is done to which kinds:
//
//   a server that restarts, one out of reach, smaller messages   all kinds         here
//   a process that is killed                                     all kinds         here
//   a consumer that is deleted                                   all over streams  here
//   a stream that is purged, or deleted and made anew            all over streams  here
//   a path on which nothing moves for a minute                   all kinds, twice  survival-blocked.test.ts
//   the servers of a cluster killed in turn, leaders among them  all kinds         survival-cluster.test.ts

const kinds = [...sourceKinds.keys()];
const storedKinds = kinds.filter((kind) => sourceKinds.get(kind)?.stream !== undefined);
const durableKinds = ['pull', 'pull_all', 'push'];

let mesh: IngestionMesh;
let server: TestNats;
let nc: NatsConnection;
let jsm: JetStreamManager;
let proxy: TcpProxy;
beforeAll(async () => {
  [mesh, server] = await Promise.all([IngestionMesh.start(), startNats()]);
  nc = await connect({ servers: server.url, maxReconnectAttempts: -1, reconnectTimeWait: 50 });
  jsm = await jetstreamManager(nc);
  proxy = new TcpProxy(server.port);
  await proxy.start();
});
afterAll(async () => {
  await nc?.close();
  await proxy?.stop();
  await mesh?.stop();
  await server?.stop();
});

/** One of each kind, by the proxy, of which each has read 50 messages. */
async function reading(suffix: string, among = kinds): Promise<(kind: string) => Survivor> {
  const source = { urls: proxy.url, nc };
  const survivors = await Survivor.startAll(among.map((kind) => ({ mesh, kind, suffix, source })));
  await Promise.all(survivors.map((survivor) => survivor.write(0, 50)));
  for (const survivor of survivors) await survivor.holds(range(0, 50));
  return (kind) => {
    const found = survivors.find(({ options }) => options.kind === kind);
    if (!found) throw new Error(`no ${kind} was started`);
    return found;
  };
}

describe('a server that restarts while messages come', () => {
  let of: Awaited<ReturnType<typeof reading>>;
  beforeAll(async () => {
    of = await reading('restart');
    const writing = Promise.all(storedKinds.map((kind) => of(kind).write(50, 250)));
    await Promise.all(storedKinds.map((kind) => of(kind).arrived(range(50, 60))));
    await server.restart();
    await writing;
  });

  it.each(kinds)('%s', async (kind) => {
    const source = of(kind);
    await source.awake();
    await source.write(250, 300);
    await source.holds([...range(0, 50), ...(source.stored ? range(50, 250) : []), ...range(250, 300)]);
    await source.says('connected', /(?:)/);
  });
});

describe('a server that nobody reaches for a while', () => {
  let of: Awaited<ReturnType<typeof reading>>;
  beforeAll(async () => {
    of = await reading('away');
    proxy.refuse();
    for (const kind of kinds) await of(kind).isAway();
    await Promise.all(kinds.map((kind) => of(kind).write(50, 80)));
    proxy.cut();
  });

  it.each(kinds)('%s', async (kind) => {
    const source = of(kind);
    await source.awake();
    await source.write(80, 100);
    await source.holds([...range(0, 50), ...(source.stored ? range(50, 80) : []), ...range(80, 100)]);
  });
});

describe('a process that is killed', () => {
  let of: Awaited<ReturnType<typeof reading>>;
  beforeAll(async () => {
    of = await reading('killed');
    const writing = Promise.all(storedKinds.map((kind) => of(kind).write(50, 250)));
    await Promise.all(storedKinds.map((kind) => of(kind).arrived(range(50, 60))));
    mesh.process.kill('SIGKILL');
    await mesh.process.exited;
    await writing;
    await mesh.mesh.start('ingestion', 'ingestion-1');
  });

  it.each(kinds)('%s', async (kind) => {
    const source = of(kind);
    await source.awake();
    await source.write(250, 300);
    await source.holds([...range(0, 50), ...(source.stored ? range(50, 250) : []), ...range(250, 300)]);
  });
});

describe('a consumer that is deleted', () => {
  let of: Awaited<ReturnType<typeof reading>>;
  beforeAll(async () => {
    of = await reading('deleted', storedKinds);
    for (const kind of storedKinds) {
      const { stream } = of(kind);
      const consumers = await jsm.consumers.list(stream).next();
      expect(consumers).toHaveLength(1);
      for (const { name } of consumers) await jsm.consumers.delete(stream, name);
    }
  });

  it.each(storedKinds)('%s', async (kind) => {
    const source = of(kind);
    await source.write(50, 100);
    await source.holds(range(0, 100));
    if (durableKinds.includes(kind)) await source.says('connected', /was gone and was made again, to go on after/);
  });
});

describe('a stream that is purged before all of it was read', () => {
  let of: Awaited<ReturnType<typeof reading>>;
  beforeAll(async () => {
    of = await reading('purged', storedKinds);
    proxy.refuse();
    for (const kind of storedKinds) await of(kind).isAway();
    for (const kind of storedKinds) {
      await of(kind).write(50, 80);
      await jsm.streams.purge(of(kind).stream, { keep: 10 });
    }
    proxy.cut();
  });

  it.each(storedKinds)('%s', async (kind) => {
    const source = of(kind);
    await source.write(80, 90);
    await source.holds([...range(0, 50), ...range(70, 90)]);
    if (source.kind.gaps) await source.says('connected', /70.*(removed|purge)/);
  });
});

describe('a stream that is deleted and made anew', () => {
  let of: Awaited<ReturnType<typeof reading>>;
  beforeAll(async () => {
    of = await reading('anew', storedKinds);
    for (const kind of storedKinds) {
      await jsm.streams.delete(of(kind).stream);
      await of(kind).makeStream();
      await of(kind).write(100, 130);
    }
  });

  it.each(storedKinds)('%s', async (kind) => {
    const source = of(kind);
    await source.holds([...range(0, 50), ...range(100, 130)]);
    await source.says('connected', /read from its beginning/);
  });
});

describe('a server that takes smaller messages than before', () => {
  const large = 30_000;
  const tooLarge = 60;
  let sources: Survivor[];
  let limited: TestNats;
  let client: NatsConnection;
  let removeStore: () => Promise<void>;
  beforeAll(async () => {
    const store = await temporaryDirectory('store');
    removeStore = store.remove;
    // JetStream by the file alone: nats-server 2.9 would lose it at a reload where the command line asked for it.
    const config = (limit: string) => `jetstream { store_dir: "${store.path}" }\nmax_payload: ${limit}`;
    limited = await startNats({ config: config('100KB'), jetstream: false });
    client = await connect({ servers: limited.url, maxReconnectAttempts: -1, reconnectTimeWait: 50 });
    const servers = { urls: limited.url, nc: client };
    const columns = (n: string) => `CASE WHEN ${n} = ${tooLarge} THEN repeat('x', ${large}) END AS filler`;
    sources = await Survivor.ofEveryKind({ mesh, suffix: 'limit', source: servers, sink: servers, columns });
    await Promise.all(sources.map((source) => source.write(0, 50)));
    for (const source of sources) await source.holds(range(0, 50));
    await limited.reload(config('16KB'));
    await eventually(
      async () => {
        const probe = await connect({ servers: limited.url });
        const limit = probe.info?.max_payload;
        await probe.close();
        return limit === 16 * 1024;
      },
      { what: 'the limit' },
    );
  });
  afterAll(async () => {
    await client?.close();
    await limited?.stop();
    await removeStore?.();
  });

  it.each(kinds)('%s', async (kind) => {
    const source = sources.find(({ options }) => options.kind === kind);
    if (!source) throw new Error(`no ${kind} was started`);
    await source.write(tooLarge, tooLarge + 1);
    // The server cuts whoever sends the first one, who learns the limit by that; what is not stored is lost with it.
    await source.awake();
    if (!source.stored) await source.write(tooLarge, tooLarge + 1);
    const [letter] = await eventually(
      async () => {
        const letters = await mesh.deadLetters(source.name);
        return letters.length > 0 && letters;
      },
      { what: 'the dead letter' },
    );
    expect(letter?.error).toMatch(/^a message of 30\d\d\d bytes cannot be published to out\..*max_payload/);
    await source.write(50, 60);
    await source.holds(range(0, 60));
  });
});
