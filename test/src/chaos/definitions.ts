import { eventually } from '../eventually.js';
import {
  type ChaosPipeline,
  chaosPipelines,
  chaosSources,
  inputStream,
  inputSubject,
  outputStream,
  outputSubject,
} from './pipelines.js';
import type { Stage } from './stage.js';

const answerTimeoutMs = 10_000;
/** Within that the control plane is back, whatever was done to it. */
const patienceMs = 90_000;
const noWaitMs = 250;

/** Streams, connections and pipelines of a campaign, made and changed through the REST API as any client would. */
export class Definitions {
  constructor(readonly stage: Stage) {}

  /** `duplicateWindowMs` is that of the output streams. Throws where a pipeline promises something else than the ledger holds it to. */
  async create(duplicateWindowMs: number): Promise<void> {
    const { jsm, servers } = this.stage;
    const stream = { num_replicas: servers.length, duplicate_window: duplicateWindowMs * 1e6 };
    const outputs = chaosPipelines.filter(({ jetstream }) => jetstream).map(({ name }) => name);
    await retried('the input stream', () =>
      jsm.streams.add({ name: inputStream, subjects: [inputSubject], num_replicas: servers.length }),
    );
    for (const name of outputs)
      await retried(`the output stream of ${name}`, () =>
        jsm.streams.add({ ...stream, name: outputStream(name), subjects: [outputSubject(name)] }),
      );
    for (const { name, options } of chaosSources)
      await this.#connection(name, {
        servers: this.stage.url('source'),
        type: 'source',
        format: 'json',
        jetstream: true,
        stream_name: inputStream,
        subject: inputSubject,
        ...options,
      });
    for (const { name, jetstream } of chaosPipelines)
      await this.#connection(`out_${name}`, {
        servers: this.stage.url(jetstream ? 'sink' : 'receiver'),
        type: 'sink',
        subject: outputSubject(name),
        ...(jetstream ? { jetstream: true, stream_name: outputStream(name) } : {}),
      });
    for (const pipeline of chaosPipelines) await this.change(pipeline, 1);
    await Promise.all(chaosPipelines.map((pipeline) => this.#isRunning(pipeline)));
  }

  /** The same rows by another version of the query. */
  async change(pipeline: ChaosPipeline, version: number): Promise<void> {
    await this.request('PUT', `/pipelines/${pipeline.name}`, {
      query: pipeline.query(version),
      options: pipeline.options ?? {},
    });
  }

  async stop(pipeline: string): Promise<void> {
    await this.request('POST', `/pipelines/${pipeline}/stop`);
  }

  async start(pipeline: string): Promise<void> {
    await this.request('POST', `/pipelines/${pipeline}/start`);
  }

  /** Rows of a query over system tables, as arrays. */
  async rows(sql: string): Promise<unknown[][]> {
    const { results } = (await this.request('POST', '/sql', { sql })) as { results: [{ rows: unknown[][] }] };
    return results[0].rows;
  }

  /** What the mesh says of its connections and pipelines, a line each. */
  async states(): Promise<string[]> {
    const lines: string[] = [];
    for (const kind of ['connections', 'pipelines']) {
      const { items } = (await this.request('GET', `/${kind}`)) as { items: { name: string; status: unknown }[] };
      for (const { name, status } of items) lines.push(`${kind} ${name}: ${JSON.stringify(status)}`);
    }
    return lines;
  }

  /** Asks until the control plane answers, dead or alive as it may be now; each request may be repeated. Throws where it refuses. */
  async request(method: string, path: string, body?: unknown): Promise<unknown> {
    const answer = await retried(`${method} ${path}`, async () => {
      const response = await fetch(`${this.stage.services.running('control-plane').url}/api/v1${path}`, {
        method,
        signal: AbortSignal.timeout(answerTimeoutMs),
        ...(body === undefined ? {} : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
      });
      const { status } = response;
      const text = await response.text();
      if (status >= 500) throw new Error(`${status} ${text}`);
      return { status, text };
    });
    if (answer.status >= 400) throw new Error(`${method} ${path}: ${answer.status} ${answer.text}`);
    return answer.text === '' ? undefined : JSON.parse(answer.text);
  }

  async #connection(name: string, options: Record<string, unknown>): Promise<void> {
    const patient = { max_reconnects: -1, reconnect_wait_ms: noWaitMs };
    await this.request('PUT', `/connections/${name}`, { connector: 'nats', options: { ...patient, ...options } });
  }

  async #isRunning({ name, guarantee }: ChaosPipeline): Promise<void> {
    const path = `/pipelines/${name}`;
    const view = (await eventually(
      async () => {
        const answer = (await this.request('GET', path)) as { status: { state: string } };
        if (answer.status.state !== 'running') throw new Error(JSON.stringify(answer.status));
        return answer;
      },
      { what: `${name} to run`, timeoutMs: patienceMs },
    )) as unknown as { delivery: { guarantee: string } };
    const promised = view.delivery.guarantee.replaceAll('_', ' ');
    if (promised !== guarantee) throw new Error(`${name} is ${promised} by the API, and ${guarantee} in the ledger`);
  }
}

/** Tries until it succeeds. */
export async function retried<T>(what: string, action: () => Promise<T>): Promise<T> {
  const done = await eventually(async () => ({ value: await action() }), { what, timeoutMs: patienceMs });
  return done.value;
}
