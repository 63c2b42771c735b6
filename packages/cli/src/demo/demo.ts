import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Config, connectBus } from '@laminar/runtime';
import { type JetStreamManager, jetstream, jetstreamManager } from '@nats-io/jetstream';
import { checkout } from '../checkout.js';
import { type SqlApi, sqlApi } from './api.js';
import { feed } from './feed.js';
import { table } from './table.js';

const processedTimeoutMs = 60_000;
const countersTimeoutMs = 5000;
const pollMs = 50;
const rowsShown = 3;

/** The server that `demo.sql` names, so that it can be run as it stands; the demo writes the real one there. */
const serverInScript = 'nats://127.0.0.1:4222';
const source = { stream: 'QUAKES', consumer: 'laminar-quakes', subjectPrefix: 'quakes' };
const outputs = [
  { pipeline: 'strong_quakes', what: 'magnitude 4.5 and more', subject: 'alerts.strong', stream: 'ALERTS_STRONG' },
  { pipeline: 'felt_quakes', what: 'magnitude 2.5 and more', subject: 'alerts.felt', stream: 'ALERTS_FELT' },
];

export interface DemoOptions {
  readonly config: Config;
  readonly busUrl: string;
  readonly controlUrl: string;
  /** Gives the demo up; it then rejects. */
  readonly signal: AbortSignal;
  say(line: string): void;
}

/** The product on real input: a week of earthquakes through two pipelines. What goes wrong is said; the mesh runs on. */
export async function runDemo(options: DemoOptions): Promise<void> {
  const { say, signal } = options;
  say('');
  if (needsCredentials(options.config, options.busUrl)) {
    say('The demo is left out: the bus wants credentials or TLS, which the connections of pipelines do not take yet.');
    return;
  }
  try {
    await demonstrate(options);
  } catch (error) {
    signal.throwIfAborted();
    say(`The demo did not get to its end: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function needsCredentials({ bus }: Config, busUrl: string): boolean {
  const given = [bus.credsFile, bus.user, bus.token, bus.nkeySeed, bus.caFile].some((value) => value !== undefined);
  return given || busUrl.includes('@') || busUrl.startsWith('tls:');
}

async function demonstrate({ config, busUrl, controlUrl, signal, say }: DemoOptions): Promise<void> {
  const data = join(checkout, 'data');
  const script = await readFile(join(data, 'demo.sql'), 'utf8');
  const features = (await readFile(join(data, 'earthquakes.ndjson'), 'utf8')).trimEnd().split('\n');
  const api = sqlApi(controlUrl, config.apiKeys[0], signal);
  const nc = await connectBus({ ...config.bus, url: busUrl }, 'laminar-demo');
  try {
    const js = jetstream(nc);
    const jsm = await jetstreamManager(nc);
    say(`The demo applies data/demo.sql: a stream of earthquakes, a table over it, and two pipelines.`);
    await api.apply(script.replaceAll(serverInScript, busUrl));
    const published = await feed({ js, jsm, ...source, features });
    say(`${published} of ${features.length} earthquakes were new and went to ${source.subjectPrefix}.<network>.`);
    await processed(jsm, signal);
    await sayOutputs(jsm, say);
    await sayCounters(api, jsm, say);
    sayNext(api.url, config.apiKeys.length > 0, say);
  } finally {
    await nc.close();
  }
}

/** Every message of the stream was processed, and its results were confirmed: only then is it acknowledged. */
async function processed(jsm: JetStreamManager, signal: AbortSignal): Promise<void> {
  const deadline = performance.now() + processedTimeoutMs;
  for (;;) {
    const { num_pending, num_ack_pending } = await jsm.consumers.info(source.stream, source.consumer);
    const left = num_pending + num_ack_pending;
    if (left === 0) return;
    if (performance.now() > deadline)
      throw new Error(`${left} messages are still to be processed after ${processedTimeoutMs / 1000} s`);
    await pause();
    signal.throwIfAborted();
  }
}

async function sayOutputs(jsm: JetStreamManager, say: (line: string) => void): Promise<void> {
  for (const { stream, subject, what } of outputs) {
    const { messages } = (await jsm.streams.info(stream)).state;
    say('');
    say(`${messages} messages on ${subject} (${what}), of which the first are`);
    for (let sequence = 1; sequence <= Math.min(rowsShown, messages); sequence++) {
      say(`  ${(await jsm.streams.getMessage(stream, { seq: sequence }))?.string()}`);
    }
  }
}

/** The system tables follow within two seconds. */
async function sayCounters(api: SqlApi, jsm: JetStreamManager, say: (line: string) => void): Promise<void> {
  const names = outputs.map(({ pipeline }) => `'${pipeline}'`).join(', ');
  const sql = `SELECT name, state, messages_in, messages_out, errors FROM system.pipelines WHERE name IN (${names}) ORDER BY name`;
  const deadline = performance.now() + countersTimeoutMs;
  for (;;) {
    const rows = await api.select(sql);
    if ((await agrees(rows.rows, jsm)) || performance.now() > deadline) {
      say('');
      say('SELECT name, state, messages_in, messages_out, errors FROM system.pipelines');
      for (const line of table(rows)) say(`  ${line}`);
      return;
    }
    await pause();
  }
}

async function agrees(rows: readonly (readonly unknown[])[], jsm: JetStreamManager): Promise<boolean> {
  const { last_seq } = (await jsm.streams.info(source.stream)).state;
  for (const { pipeline, stream } of outputs) {
    const row = rows.find(([name]) => name === pipeline);
    const { last_seq: out } = (await jsm.streams.info(stream)).state;
    const [, state, messagesIn, messagesOut] = row ?? [];
    if (state !== 'running' || Number(messagesIn) < last_seq || Number(messagesOut) < out) return false;
  }
  return true;
}

function sayNext(url: string, needsKey: boolean, say: (line: string) => void): void {
  const key = needsKey ? ' -H "authorization: Bearer $ONE_OF_LAMINAR_API_KEYS"' : '';
  say('');
  say('Try next:');
  say(`  curl -s ${url} -H 'content-type: application/json'${key} \\`);
  say(`    -d '{"sql": "SELECT name, state, messages_in, messages_out FROM system.pipelines"}'`);
}

function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, pollMs));
}
