// `npm run chaos`: kills the ingestion process in the middle of a stream, ten times, and counts what came out.
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { apiOf } from '../api.js';
import { eventually } from '../eventually.js';
import { startMesh } from '../servers/mesh.js';

const messages = 50_000;
const kills = 10;
const publishWindow = 500;
const finishTimeoutMs = 120_000;

const mesh = await startMesh({ query: false });
const nc = await connect({ servers: mesh.nats.url });
try {
  const jsm = await jetstreamManager(nc);
  await define();
  const rows = async () => (await jsm.streams.info('OUT')).state.messages;
  const feeding = feed();
  let process = mesh.ingestion[0];
  for (let kill = 1; kill <= kills; kill++) {
    const reached = (kill * messages) / (kills + 1);
    await eventually(async () => (await rows()) >= reached, { what: `${reached} rows`, timeoutMs: finishTimeoutMs });
    process?.kill('SIGKILL');
    await process?.exited;
    console.log(`kill ${kill} at ${await rows()} rows`);
    process = await mesh.start('ingestion', 'ingestion-1');
  }
  await feeding;
  await eventually(
    async () => (await jsm.consumers.info('IN', 'laminar-input')).num_ack_pending === 0 && (await rows()) >= messages,
    {
      what: 'every row',
      timeoutMs: finishTimeoutMs,
    },
  );
  const counts = await countByNumber();
  const lost = Array.from({ length: messages }, (_, n) => n).filter((n) => !counts.has(n)).length;
  const doubled = [...counts.values()].filter((count) => count > 1).length;
  console.log(`${messages} messages, ${kills} kills: ${lost} lost, ${doubled} doubled`);
  if (lost > 0 || doubled > 0) globalThis.process.exitCode = 1;
} finally {
  await nc.close();
  await mesh.stop();
}

async function define(): Promise<void> {
  const { post } = apiOf(mesh);
  const servers = mesh.nats.url;
  const jetstreamIn = { jetstream: true, stream_name: 'IN', stream_subjects: 'in' };
  const jetstreamOut = { jetstream: true, stream_name: 'OUT', stream_subjects: 'out' };
  const sql = [
    { name: 'input', options: { servers, subject: 'in', type: 'source', format: 'json', ...jetstreamIn } },
    { name: 'output', options: { servers, subject: 'out', type: 'sink', ...jetstreamOut } },
  ];
  for (const connection of sql) await post('/connections?wait=applied', { ...connection, connector: 'nats' });
  const query = 'INSERT INTO output SELECT n FROM input';
  const { status, body } = await post('/pipelines?wait=applied', { name: 'copy', query });
  if (status !== 201) throw new Error(JSON.stringify(body));
}

async function feed(): Promise<void> {
  const js = jetstream(nc);
  for (let start = 0; start < messages; start += publishWindow) {
    const numbers = Array.from({ length: publishWindow }, (_, i) => start + i);
    await Promise.all(numbers.map((n) => js.publish('in', JSON.stringify({ n }))));
  }
}

async function countByNumber(): Promise<Map<number, number>> {
  const consumer = await jetstream(nc).consumers.get('OUT', { deliver_policy: 'all' });
  const total = (await (await jetstreamManager(nc)).streams.info('OUT')).state.messages;
  const counts = new Map<number, number>();
  let seen = 0;
  for await (const message of await consumer.consume()) {
    const { n } = message.json<{ n: number }>();
    counts.set(n, (counts.get(n) ?? 0) + 1);
    if (++seen === total) break;
  }
  return counts;
}
