// `npm run bench`: an ingestion process beside the hand-written loop, the same job in turn on one machine in one run.
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { connect } from '@nats-io/transport-node';
import { type Api, apiOf } from '../api.js';
import { startMesh } from '../servers/mesh.js';
import { benchQuery, type JobRun, runJob } from './feed.js';
import { show, spread } from './figures.js';

const rounds = 7;
const messagesPerRun = 200_000;
const warmUpMessages = 100_000;

const mesh = await startMesh({ query: false });
const hand = fork(join(import.meta.dirname, 'hand-loop.js'), { env: { ...process.env, NATS_URL: mesh.nats.url } });
try {
  await once(hand, 'message');
  await define(apiOf(mesh));
  await compare(hand, mesh.ingestion[0]?.pid ?? 0);
} finally {
  hand.disconnect();
  await mesh.stop();
}

async function define(api: Api): Promise<void> {
  const servers = mesh.nats.url;
  const options = { servers, subject: 'ours.in.>', type: 'source', format: 'json' };
  await api.post('/connections', { name: 'bench_in', connector: 'nats', options });
  await api.post('/pipelines?wait=applied', { name: 'bench', query: benchQuery });
}

async function compare(loop: ChildProcess, ingestionPid: number): Promise<void> {
  const nc = await connect({ servers: mesh.nats.url });
  const ours = (count: number) =>
    runJob(nc, { count, input: 'ours.in.a', output: 'laminar.output.bench', pid: ingestionPid });
  const theirs = (count: number) => runJob(nc, { count, input: 'hand.in.a', output: 'hand.out', pid: loop.pid ?? 0 });
  await ours(warmUpMessages);
  await theirs(warmUpMessages);
  const pairs: { readonly ours: JobRun; readonly hand: JobRun }[] = [];
  for (let round = 0; round < rounds; round++) {
    pairs.push({ ours: await ours(messagesPerRun), hand: await theirs(messagesPerRun) });
  }
  await nc.close();
  report(pairs);
}

function report(pairs: readonly { readonly ours: JobRun; readonly hand: JobRun }[]): void {
  const of = (pick: (pair: (typeof pairs)[number]) => number, digits: number) => show(spread(pairs.map(pick)), digits);
  console.log(
    `${rounds} rounds of ${messagesPerRun} messages of about 200 bytes, half of them filtered, the rest reshaped`,
  );
  console.log('median (least to most)          laminar                     hand-written loop');
  console.log(
    `CPU per input message, us       ${of(({ ours }) => ours.cpuUsPerMessage, 2).padEnd(28)}${of(({ hand }) => hand.cpuUsPerMessage, 2)}`,
  );
  console.log(
    `messages per second             ${of(({ ours }) => ours.messagesPerSecond, 0).padEnd(28)}${of(({ hand }) => hand.messagesPerSecond, 0)}`,
  );
  console.log(
    `CPU, laminar : hand loop        ${of(({ ours, hand }) => ours.cpuUsPerMessage / hand.cpuUsPerMessage, 2)}`,
  );
  console.log(
    `throughput, laminar : hand loop ${of(({ ours, hand }) => ours.messagesPerSecond / hand.messagesPerSecond, 2)}`,
  );
}
