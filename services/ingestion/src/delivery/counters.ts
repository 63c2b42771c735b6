import { Latency } from './latency.js';

/** What a pipeline has done in this instance since it was created; plain numbers for the hot path. */
export interface PipelineCounters {
  readonly name: string;
  readonly incarnation: number;
  readonly latency: Latency;
  messagesIn: number;
  messagesOut: number;
  errors: number;
  deadLetters: number;
  lastError: string;
}

export interface ConnectionCounters {
  readonly name: string;
  readonly incarnation: number;
  messagesReceived: number;
  bytesReceived: number;
  messagesDropped: number;
  reconnects: number;
}

/** The counters of every definition that this instance ever ran; they outlive jobs, since they never go back. */
export class CounterRegistry {
  readonly pipelines = new Map<string, PipelineCounters>();
  readonly connections = new Map<string, ConnectionCounters>();

  pipeline(name: string, incarnation: number): PipelineCounters {
    const known = this.pipelines.get(name);
    if (known?.incarnation === incarnation) return known;
    const fresh = {
      name,
      incarnation,
      latency: new Latency(),
      messagesIn: 0,
      messagesOut: 0,
      errors: 0,
      deadLetters: 0,
      lastError: '',
    };
    this.pipelines.set(name, fresh);
    return fresh;
  }

  connection(name: string, incarnation: number): ConnectionCounters {
    const known = this.connections.get(name);
    if (known?.incarnation === incarnation) return known;
    const fresh = { name, incarnation, messagesReceived: 0, bytesReceived: 0, messagesDropped: 0, reconnects: 0 };
    this.connections.set(name, fresh);
    return fresh;
  }

  /** Forgets definitions that are no more. */
  retain(kind: 'pipelines' | 'connections', isDefined: (name: string) => boolean): void {
    for (const name of this[kind].keys()) if (!isDefined(name)) this[kind].delete(name);
  }
}
