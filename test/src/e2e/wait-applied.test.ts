import { connect, type NatsConnection } from '@nats-io/transport-node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Api, apiOf } from '../api.js';
import { eventually } from '../eventually.js';
import { startMesh, type TestMesh } from '../servers/mesh.js';
import { startNats, type TestNats } from '../servers/nats.js';

// `?wait=applied` tells the truth: what is published after the answer meets the new version, and nothing else.

const rounds = 50;
/** Messages that flow all the while, beside those that are counted. */
const noisePerMs = 5;

let mesh: TestMesh;
/** Where sinks write to. */
let elsewhere: TestNats;
let nc: NatsConnection;
let far: NatsConnection;
let api: Api;
let noise: NodeJS.Timeout;
let noiseSent = 0;
beforeAll(async () => {
  mesh = await startMesh({ ingestion: 2, query: false });
  elsewhere = await startNats();
  nc = await connect({ servers: mesh.nats.url });
  far = await connect({ servers: elsewhere.url });
  api = apiOf(mesh);
});
afterAll(async () => {
  await nc?.close();
  await far?.close();
  await mesh?.stop();
  await elsewhere?.stop();
});

interface Row {
  readonly n: number;
  readonly v: number;
}

interface Case {
  readonly name: string;
  readonly source: Record<string, unknown>;
  /** Undefined: the pipeline's own output subject. */
  readonly sink: Record<string, unknown> | undefined;
}

const cases: readonly Case[] = [
  { name: 'core', source: {}, sink: undefined },
  { name: 'grouped', source: { queue_group: 'g', parallelism: 4 }, sink: undefined },
  { name: 'core_far', source: {}, sink: {} },
  {
    name: 'stream',
    source: { jetstream: true, stream_name: 'STREAM', stream_subjects: 'stream.>' },
    sink: undefined,
  },
  {
    name: 'stream_far',
    source: { jetstream: true, stream_name: 'STREAM_FAR', stream_subjects: 'stream_far.>' },
    sink: { jetstream: true, stream_name: 'FAR', stream_subjects: 'far.stream_far' },
  },
];

describe.each(cases)('from $name', ({ name, source, sink }) => {
  const rows: Row[] = [];
  const into = sink ? `INSERT INTO ${name}_sink ` : '';
  const query = (v: number) => `${into}SELECT n, ${v} AS v FROM ${name} WHERE n >= -1`;
  const publish = (n: number) => nc.publish(`${name}.x`, JSON.stringify({ n }));

  async function applied(answer: Promise<{ status: number; body: unknown }>): Promise<void> {
    const { status, body } = await answer;
    expect(status, JSON.stringify(body)).toBeLessThan(300);
  }

  beforeAll(async () => {
    const servers = mesh.nats.url;
    const options = { servers, type: 'source', format: 'json', subject: `${name}.>`, ...source };
    await applied(api.post('/connections?wait=applied', { name, connector: 'nats', options }));
    if (sink) {
      const output = { servers: elsewhere.url, type: 'sink', subject: `far.${name}`, ...sink };
      await applied(
        api.post('/connections?wait=applied', { name: `${name}_sink`, connector: 'nats', options: output }),
      );
    }
    const [client, subject] = sink ? [far, `far.${name}`] : [nc, `laminar.output.${name}`];
    client.subscribe(subject, { callback: (_, message) => void rows.push(message.json<Row>()) });
    await client.flush();
    await applied(api.post('/pipelines?wait=applied', { name, query: query(0) }));
    noise = setInterval(() => {
      noiseSent += noisePerMs;
      for (let i = 0; i < noisePerMs; i++) publish(-1);
    }, 1);
  });
  afterAll(async () => {
    clearInterval(noise);
    await api.delete(`/pipelines/${name}?wait=applied`);
  });

  it('runs the new version when a change is answered', async () => {
    for (let v = 1; v <= rounds; v++) {
      await applied(api.put(`/pipelines/${name}?wait=applied`, { query: query(v) }));
      publish(v);
      const row = await eventually(() => rows.find(({ n }) => n === v), { what: 'the row' });
      expect(row).toEqual({ n: v, v });
    }
    expect(rows.filter(({ n }) => n >= 0)).toHaveLength(rounds);
  });

  it('lets nothing out when a stop is answered, and everything in when a start is', async () => {
    for (let round = 0; round < rounds / 5; round++) {
      await applied(api.post(`/pipelines/${name}/stop?wait=applied`, undefined));
      // What was out before the answer is here after a round trip.
      await Promise.all([nc.flush(), far.flush()]);
      const before = rows.length;
      const sent = noiseSent;
      await eventually(() => noiseSent > sent + 100, { what: 'messages that nobody takes' });
      await Promise.all([nc.flush(), far.flush()]);
      expect(rows.length).toBe(before);
      await applied(api.post(`/pipelines/${name}/start?wait=applied`, undefined));
      const n = 1000 + round;
      publish(n);
      await eventually(() => rows.some((row) => row.n === n), { what: 'the row', timeoutMs: 15_000 });
    }
  });
});
