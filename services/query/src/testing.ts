import { type DefinitionEvent, type DefinitionEventBody, encodeEvent } from '@laminar/definitions';
import { type EventLog, openEventLog } from '@laminar/event-store';
import { buckets, formatDefinitionKey, type Kind, laminar, subjectOfKey, subjects } from '@laminar/protocol';
import { jetstream } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/nats-core';

// The other services as this one sees them: by what they say on the bus. All of it are the real messages on a real bus.

const { InstanceMetrics, InstanceStatus } = laminar.v1;
const signOfLifeIntervalMs = 1000;

type StatusEntries = Pick<laminar.v1.InstanceStatus.$Properties, 'pipelines' | 'connections'>;
type MetricsEntries = Pick<
  laminar.v1.InstanceMetrics.$Properties,
  'connections' | 'pipelines' | 'consumers' | 'servers'
>;

/** What an ingestion instance says on the bus while it is alive. */
export class SpeakingInstance {
  #sequence = 0;
  #entries: StatusEntries = {};
  #timer: NodeJS.Timeout | undefined;
  #requests: { unsubscribe(): void } | undefined;

  constructor(
    readonly nc: NatsConnection,
    readonly instance: string,
    readonly session: string,
    readonly atUnixMs: number,
  ) {}

  /** Begins to give signs of life, and says everything when it is asked to. */
  start(): this {
    this.#requests = this.nc.subscribe(subjects.statusRequest, { callback: () => this.#sayAll() });
    this.#timer = setInterval(() => this.#say({}), signOfLifeIntervalMs);
    this.#sayAll();
    return this;
  }

  /** Falls silent, as a process that is killed. */
  fallSilent(): void {
    clearInterval(this.#timer);
    this.#requests?.unsubscribe();
  }

  leave(): void {
    this.#say({ leaving: true });
    this.fallSilent();
  }

  report(entries: StatusEntries): void {
    this.#entries = entries;
    this.#sayAll();
  }

  async count(entries: MetricsEntries, part = 0): Promise<void> {
    const { instance, session, atUnixMs } = this;
    const message = InstanceMetrics.encode({ instance, session, atUnixMs, part, ...entries }).finish();
    await jetstream(this.nc).publish(subjects.metrics(instance, part), message);
  }

  beat(readers: number): void {
    const { instance, session, atUnixMs } = this;
    const heartbeat = { instance, session, host: 'box', pid: 4711, started_at: atUnixMs, readers };
    this.nc.publish(subjectOfKey(buckets.workers, session), JSON.stringify(heartbeat));
  }

  #sayAll(): void {
    this.#say({ ...this.#entries, snapshot: { part: 0, last: true } });
  }

  #say(message: laminar.v1.InstanceStatus.$Properties): void {
    const { instance, session, atUnixMs } = this;
    const head = { instance, session, atUnixMs, sequence: ++this.#sequence, appliedRevision: 1 };
    const since = (entry: object) => ({ sinceUnixMs: atUnixMs, ...entry });
    const entries = {
      pipelines: (message.pipelines ?? []).map(since),
      connections: (message.connections ?? []).map(since),
    };
    this.nc.publish(subjects.status(instance), InstanceStatus.encode({ ...head, ...message, ...entries }).finish());
  }
}

/** Appends events as the control plane does. */
export class LogWriter {
  #revision = 0;
  readonly #versions = new Map<string, number>();

  private constructor(readonly log: EventLog) {}

  static async open(nc: NatsConnection): Promise<LogWriter> {
    return new LogWriter(await openEventLog(nc, { bucket: buckets.definitions, replicas: 1 }));
  }

  /** The revision of the event. */
  async append(kind: Kind, name: string, body: DefinitionEventBody): Promise<number> {
    const version = (this.#versions.get(`${kind}.${name}`) ?? 0) + 1;
    const at = Date.UTC(2026, 10, 23, 12, 0, 0, version);
    const eventId = `${kind}-${name}-${version}`;
    const event: DefinitionEvent = { eventId, kind, name, version, at, actor: 'ada', traceparent: '', body };
    return this.appendRaw(formatDefinitionKey({ kind, name, version }), encodeEvent(event), eventId);
  }

  /** Any bytes under any key. */
  async appendRaw(key: string, data: Uint8Array, eventId: string): Promise<number> {
    this.#revision = await this.log.append({ key, data, expectedRevision: this.#revision, eventId });
    const definition = key.slice(0, key.lastIndexOf('.'));
    this.#versions.set(definition, (this.#versions.get(definition) ?? 0) + 1);
    return this.#revision;
  }
}

export const sourceConnection: DefinitionEventBody = {
  type: 'ConnectionCreated',
  definition: {
    connector: 'nats',
    options: { servers: 'nats://127.0.0.1:4222', subject: 'orders.*', type: 'source', format: 'json' },
  },
};

export const pipelineOver = (connection: string): DefinitionEventBody => ({
  type: 'PipelineCreated',
  definition: {
    query: `SELECT id FROM ${connection}`,
    desired: 'running',
    options: {},
    reads: [connection],
    writes: undefined,
    calls: [],
  },
});

/** The rows of a statement, asked over HTTP. Throws with the answer's text where there are none. */
export async function select(url: string, sql: string): Promise<{ [column: string]: unknown }[]> {
  const response = await fetch(`${url}/api/v1/sql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ sql }),
  });
  if (!response.ok) throw new Error(await response.text());
  const { results } = (await response.json()) as {
    results: { columns: { name: string }[]; rows: unknown[][] }[];
  };
  const [result] = results;
  return (result?.rows ?? []).map((row) =>
    Object.fromEntries(row.map((value, index) => [result?.columns[index]?.name ?? '', value])),
  );
}
