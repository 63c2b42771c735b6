/** A session without a heartbeat for that long is dead; the bucket forgets it as early, but says nothing when it does. */
const silenceMaxMs = 4000;

/** What an ingestion process says of itself once a second. */
export interface Worker {
  readonly instance: string;
  readonly session: string;
  readonly host: string;
  readonly pid: number;
  /** Unix milliseconds, by the worker's clock. */
  readonly startedAtMs: number;
  /** Slots that it runs. */
  readonly readers: number;
  /** Unix milliseconds, by this process's clock. */
  readonly heartbeatAtMs: number;
}

/** The ingestion processes that are alive, by their heartbeats. */
export class WorkerBoard {
  readonly #bySession = new Map<string, { worker: Worker; seenAtMs: number }>();

  /** Takes a heartbeat. Throws where it cannot be read. */
  beat(data: Uint8Array): void {
    const worker = readHeartbeat(new TextDecoder().decode(data));
    this.#bySession.set(worker.session, { worker, seenAtMs: performance.now() });
  }

  /** The session has said goodbye. */
  leave(session: string): boolean {
    return this.#bySession.delete(session);
  }

  /** Forgets sessions that have been silent for too long; says whether there were any. */
  expire(): boolean {
    const before = performance.now() - silenceMaxMs;
    let expired = false;
    for (const [session, { seenAtMs }] of this.#bySession) {
      if (seenAtMs < before) expired = this.#bySession.delete(session) || expired;
    }
    return expired;
  }

  /** One worker an instance: a process that was started again is its own successor. */
  workers(): Map<string, Worker> {
    const workers = new Map<string, Worker>();
    for (const { worker } of this.#bySession.values()) {
      const known = workers.get(worker.instance);
      if (!known || known.startedAtMs < worker.startedAtMs) workers.set(worker.instance, worker);
    }
    return workers;
  }
}

/** The heartbeat's JSON is `{instance, session, host, pid, started_at, readers}`. */
function readHeartbeat(text: string): Worker {
  const value: unknown = JSON.parse(text);
  if (typeof value !== 'object' || value === null) throw new Error('a heartbeat is a JSON object');
  const fields: { [name: string]: unknown } = { ...value };
  return {
    instance: stringOf(fields, 'instance'),
    session: stringOf(fields, 'session'),
    host: stringOf(fields, 'host'),
    pid: numberOf(fields, 'pid'),
    startedAtMs: numberOf(fields, 'started_at'),
    readers: numberOf(fields, 'readers'),
    heartbeatAtMs: Date.now(),
  };
}

function stringOf(fields: { [name: string]: unknown }, name: string): string {
  const value = fields[name];
  if (typeof value !== 'string') throw new Error(`a heartbeat has a text "${name}"`);
  return value;
}

function numberOf(fields: { [name: string]: unknown }, name: string): number {
  const value = fields[name];
  if (!Number.isSafeInteger(value)) throw new Error(`a heartbeat has a whole number "${name}"`);
  return value as number;
}
