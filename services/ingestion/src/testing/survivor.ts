import type { Options } from '@laminar/definitions';
import { eventually } from '@laminar/test';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/nats-core';
import { expect } from 'vitest';
import type { IngestionMesh } from './ingestion-mesh.js';
import { type SourceKind, sourceKinds } from './source-kinds.js';

/** A client of the servers of a test, and their addresses as the mesh reaches them. */
export interface Servers {
  readonly urls: string;
  readonly nc: NatsConnection;
}

export interface SurvivorOptions {
  readonly mesh: IngestionMesh;
  readonly kind: string;
  /** Tells it from others of the same kind. */
  readonly suffix: string;
  readonly source: Servers;
  /** Where its rows go; the mesh's own bus unless said otherwise. */
  readonly sink?: Servers;
  readonly replicas?: number;
  /** Options of its connection, beside those of its kind. */
  readonly options?: Options;
  /** More of the select list, by how the number of a message is written there. */
  readonly columns?: (n: string) => string;
}

const probe = -1;

/** A source of some kind with numbered messages, and a pipeline whose rows a stream keeps: what went in, and what came out. */
export class Survivor {
  readonly name: string;
  readonly kind: SourceKind;
  readonly #seen = new Set<number>();
  #probes = 0;

  private constructor(
    readonly options: SurvivorOptions,
    kind: SourceKind,
  ) {
    this.kind = kind;
    this.name = `${options.kind}_${options.suffix}`;
  }

  /** One of every kind, each reading. */
  static async ofEveryKind(options: Omit<SurvivorOptions, 'kind'>): Promise<Survivor[]> {
    return Survivor.startAll([...sourceKinds.keys()].map((kind) => ({ kind, ...options })));
  }

  static async startAll(all: readonly SurvivorOptions[]): Promise<Survivor[]> {
    const survivors = all.map((options) => {
      const kind = sourceKinds.get(options.kind);
      if (!kind) throw new Error(`there is no kind "${options.kind}"`);
      return new Survivor(options, kind);
    });
    for (const survivor of survivors) await survivor.#define();
    for (const survivor of survivors) await survivor.options.mesh.settled(survivor.name, 'running');
    return survivors;
  }

  async #define(): Promise<void> {
    const { mesh, source, options, columns } = this.options;
    const { name, kind } = this;
    await this.makeStream();
    const common = { type: 'source', format: 'json', reconnect_wait_ms: 100, max_reconnects: -1 };
    await mesh.connection(name, { ...common, ...kind.options(name), ...options }, source.urls);
    const sink = { type: 'sink', jetstream: true, reconnect_wait_ms: 100, max_reconnects: -1 };
    const output = { subject: `out.${name}`, stream_name: this.#output, stream_subjects: `out.${name}` };
    await mesh.connection(`out_${name}`, { ...sink, ...output }, this.#sink.urls);
    const more = columns ? `, ${columns(kind.n)}` : '';
    await mesh.pipeline(name, `INSERT INTO out_${name} SELECT ${kind.n} AS n${more} FROM ${name}`);
    this.#sink.nc.subscribe(`out.${name}`, {
      callback: (_, message) => void this.#seen.add(message.json<{ n: number }>().n),
    });
  }

  get #sink(): Servers {
    const { mesh, sink } = this.options;
    return sink ?? { urls: mesh.mesh.nats.url, nc: mesh.nc };
  }

  get #output(): string {
    return `OUT_${this.name}`;
  }

  /** Whether the server keeps messages while nobody reads. */
  get stored(): boolean {
    return this.kind.stream !== undefined;
  }

  /** The name of the stream that is read. */
  get stream(): string {
    const stream = this.kind.stream?.(this.name);
    if (!stream) throw new Error(`${this.name} reads no stream`);
    return stream.name;
  }

  /** Makes the stream that is read, if there is any; again and again, until the server does. */
  async makeStream(): Promise<void> {
    const { source, replicas = 1 } = this.options;
    const config = this.kind.stream?.(this.name);
    if (!config) return;
    const jsm = await jetstreamManager(source.nc, { checkAPI: false });
    await eventually(() => jsm.streams.add({ ...config, num_replicas: replicas }), {
      what: `the stream of ${this.name}`,
      timeoutMs: 40_000,
    });
  }

  /** Writes one message for each number; each is stored, where messages are. */
  async write(from: number, to: number): Promise<void> {
    const { nc } = this.options.source;
    const js = jetstream(nc);
    for (let n = from; n < to; n++) {
      const { subject, data } = this.kind.message(this.name, n);
      if (!this.stored) {
        nc.publish(subject, JSON.stringify(data));
        continue;
      }
      const stored = () =>
        js.publish(subject, JSON.stringify(data), { msgID: `${this.name}.${n}`, timeout: 1000 }).then(
          () => true,
          () => false,
        );
      await eventually(stored, { what: `message ${n} of ${this.name} to be stored`, timeoutMs: 60_000 });
    }
    await nc.flush();
  }

  /** Waits until it is read again where nothing is stored: what is said before that is lost. */
  async awake(): Promise<void> {
    if (this.stored) return;
    const number = probe - this.#probes++;
    const { subject, data } = this.kind.message(this.name, number);
    await eventually(
      () => {
        this.options.source.nc.publish(subject, JSON.stringify(data));
        return this.#seen.has(number);
      },
      { what: `${this.name} to be read again`, timeoutMs: 60_000 },
    );
  }

  /** Waits for a row of each of these numbers. */
  async arrived(numbers: readonly number[], timeoutMs = 60_000): Promise<void> {
    await eventually(
      () => {
        const missing = numbers.filter((n) => !this.#seen.has(n));
        if (missing.length > 0) throw new Error(`${missing.length} are missing: ${missing.slice(0, 20)}`);
        return true;
      },
      { what: `the rows of ${this.name}`, timeoutMs },
    );
  }

  /** The rows are those of these numbers: each once, in their order where the kind keeps it. */
  async holds(numbers: readonly number[]): Promise<void> {
    await this.arrived(numbers);
    const js = jetstream(this.#sink.nc);
    const consumer = await js.consumers.get(this.#output, { deliver_policy: 'all' });
    const { num_pending } = await consumer.info();
    const rows: number[] = [];
    for await (const message of await consumer.fetch({ max_messages: num_pending })) {
      const { n } = message.json<{ n: number }>();
      if (n >= 0) rows.push(n);
    }
    expect(this.kind.ordered ? rows : rows.sort((a, b) => a - b)).toEqual(numbers);
  }

  /** Waits until it is known that messages do not come, and why. */
  async isAway(timeoutMs = 40_000): Promise<void> {
    await eventually(
      () => {
        const { state, message } = this.options.mesh.connectionState(this.name);
        if (!['reconnecting', 'blocked'].includes(state)) throw new Error(`it is ${state}`);
        expect(message).toMatch(/was lost|does not answer|cannot connect/);
        return true;
      },
      { what: `${this.name} to be away`, timeoutMs },
    );
  }

  /** Waits until the connection's state is so and says this. */
  async says(state: string, message: RegExp, timeoutMs = 40_000): Promise<void> {
    await eventually(
      () => {
        const summary = this.options.mesh.connectionState(this.name);
        if (summary.state !== state || !message.test(summary.message)) throw new Error(JSON.stringify(summary));
        return true;
      },
      { what: `${this.name} to be ${state} and to say ${message}`, timeoutMs },
    );
  }
}

export const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, i) => from + i);
