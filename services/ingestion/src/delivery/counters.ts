import { Latency } from './latency.js';

/** Connections, and pipelines, that one metrics message holds at most, so that it stays far below a server's `max_payload`. */
const perPartMax = 400;

/** What a pipeline has done in this instance since it was created; plain numbers for the hot path. */
export interface PipelineCounters {
  readonly name: string;
  readonly incarnation: number;
  /** The metrics message that it goes out with. */
  readonly part: number;
  readonly latency: Latency;
  messagesIn: number;
  messagesOut: number;
  errors: number;
  deadLetters: number;
  /** Rows that the output held before. */
  duplicates: number;
  lastError: string;
}

export interface ConnectionCounters {
  readonly name: string;
  readonly incarnation: number;
  readonly part: number;
  messagesReceived: number;
  bytesReceived: number;
  messagesDropped: number;
  reconnects: number;
  /** Messages that ran out of deliveries. */
  exhausted: number;
}

/** The counters of every definition that this instance ever ran; they outlive jobs, since they never go back. */
export class CounterRegistry {
  readonly pipelines = new Map<string, PipelineCounters>();
  readonly connections = new Map<string, ConnectionCounters>();

  /** One more than the highest part that anything is in. */
  get parts(): number {
    let parts = 0;
    for (const { part } of [...this.pipelines.values(), ...this.connections.values()])
      parts = Math.max(parts, part + 1);
    return parts;
  }

  pipeline(name: string, incarnation: number): PipelineCounters {
    const known = this.pipelines.get(name);
    if (known?.incarnation === incarnation) return known;
    return this.putPipeline({
      name,
      incarnation,
      part: known?.part ?? freePart(this.pipelines),
      latency: new Latency(),
      messagesIn: 0,
      messagesOut: 0,
      errors: 0,
      deadLetters: 0,
      duplicates: 0,
      lastError: '',
    });
  }

  connection(name: string, incarnation: number): ConnectionCounters {
    const known = this.connections.get(name);
    if (known?.incarnation === incarnation) return known;
    return this.putConnection({
      name,
      incarnation,
      part: known?.part ?? freePart(this.connections),
      messagesReceived: 0,
      bytesReceived: 0,
      messagesDropped: 0,
      reconnects: 0,
      exhausted: 0,
    });
  }

  putPipeline(counters: PipelineCounters): PipelineCounters {
    this.pipelines.set(counters.name, counters);
    return counters;
  }

  putConnection(counters: ConnectionCounters): ConnectionCounters {
    this.connections.set(counters.name, counters);
    return counters;
  }

  /** Forgets a definition that was dropped at `revision`, and not the namesake that was created after it. */
  forget(kind: 'pipeline' | 'connection', name: string, revision: number): void {
    const counters = kind === 'pipeline' ? this.pipelines : this.connections;
    if ((counters.get(name)?.incarnation ?? revision) < revision) counters.delete(name);
  }
}

function freePart(entities: ReadonlyMap<string, { readonly part: number }>): number {
  const counts: number[] = [];
  for (const { part } of entities.values()) counts[part] = (counts[part] ?? 0) + 1;
  for (let part = 0; ; part++) if ((counts[part] ?? 0) < perPartMax) return part;
}
